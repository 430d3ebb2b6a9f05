"""A small MCP server with the official SDK: notes on a board, over stdio or HTTP (a port as the argument)."""

from __future__ import annotations

import json
import random
import sys

from mcp.server import MCPServer
from mcp.types import ToolAnnotations

server = MCPServer("board")
notes: dict[str, str] = {"N1": "buy rope"}
READ = ToolAnnotations(read_only_hint=True)


@server.tool(annotations=READ)
def list_notes() -> str:
    """List the numbers of all notes."""
    return json.dumps([{"note_id": key} for key in notes])


@server.tool(annotations=READ)
def read_note(note_id: str) -> str:
    """Read a note."""
    if note_id not in notes:
        raise ValueError(f"there is no note {note_id}")
    return json.dumps({"text": notes[note_id]})


@server.tool()
def pin(text: str) -> str:
    """Pin a new note to the board."""
    number = f"N{len(notes) + 100}"
    notes[number] = text
    return json.dumps({"note_id": number})


@server.tool(annotations=ToolAnnotations(read_only_hint=False))
def take_down(note_id: str) -> str:
    """Take a note off the board."""
    notes.pop(note_id, None)
    return json.dumps({"taken_down": note_id})


@server.tool()
def reset(seed: int) -> str:
    """Begin anew."""
    notes.clear()
    draw = random.Random(seed)
    for _ in range(3):
        notes[f"N{draw.randrange(10, 99)}"] = f"call {draw.randrange(1000)}"
    return "done"


@server.tool(annotations=READ)
def dump() -> str:
    """The whole board."""
    return json.dumps(notes)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        server.run("streamable-http", port=int(sys.argv[1]))
    else:
        server.run()
