"""A greenhouse with beds, a tank, a pump and vents: an environment for `refine synth`.

    refine synth graph examples/environments/greenhouse.py:Greenhouse

Watering takes a filled tank and a running pump; the pump takes the main switch. Harvesting takes a bed that was sown,
watered and left to grow.
"""

from __future__ import annotations

import random
from typing import Any, ClassVar, Literal

CROPS = {"radish": 3, "spinach": 4, "basil": 5, "cress": 2, "chard": 6}
TANK_LITRES = 80
MOST_LITRES = 20

Lamp = Literal["off", "dim", "full"]


class Greenhouse:
    """One greenhouse; days pass only when they are let pass."""

    VALUES: ClassVar = {
        "litres": [5, 10, 15],
        "days": [1, 2, 3, 5, 7],
        "percent": [0, 25, 50, 100],
        "label_crate.text": ["For the market on Friday", "Keep cool", "Second choice", "For the school kitchen"],
    }

    def __init__(
        self, beds: dict[str, dict[str, Any]], packets: dict[str, dict[str, Any]], tank: int, heat: float
    ) -> None:
        self.beds, self.packets, self.tank, self.heat = beds, packets, tank, heat
        self.switch = self.pump = False
        self.vents: dict[str, int] = {"north": 0, "south": 0}
        self.lamp: Lamp = "off"
        self.day = 1
        self.store: dict[str, dict[str, Any]] = {}

    @classmethod
    def fresh(cls, seed: int) -> Greenhouse:
        """Beds, packets of seed and a tank in a state of their own."""
        draw = random.Random(seed)
        beds = {
            f"bed-{letter}{draw.randrange(1, 9)}": {"crop": None, "age": 0, "moisture": draw.randrange(5, 40)}
            for letter in draw.sample("ABCDEFGH", 4)
        }
        packets = {
            f"PK{draw.randrange(1000, 9999)}": {"crop": crop, "left": draw.randint(1, 3)}
            for crop in draw.sample(sorted(CROPS), 4)
        }
        return cls(beds, packets, draw.choice((0, 0, 10, 40)), draw.randrange(140, 300) / 10)

    def list_beds(self) -> list[dict[str, Any]]:
        """List the beds with what grows in them and how moist they are."""
        return [{"bed_id": key, "crop": bed["crop"], "moisture": bed["moisture"]} for key, bed in self.beds.items()]

    def list_packets(self) -> list[dict[str, Any]]:
        """List the packets of seed in the drawer."""
        return [{"packet_id": key, "crop": p["crop"], "left": p["left"]} for key, p in self.packets.items()]

    def read_climate(self) -> dict[str, float]:
        """Read the temperature in degrees Celsius and the tank in litres."""
        return {"temperature": self.heat, "tank_litres": self.tank}

    def main_switch(self, on: bool) -> str:
        """Turn the power of the greenhouse on or off; off also stops the pump and the lamp.

        Args:
            on: Whether it shall be on.
        """
        if on == self.switch:
            raise ValueError(f"the main switch is {'on' if on else 'off'} already")
        self.switch = on
        if not on:
            self.pump, self.lamp = False, "off"
        return f"The main switch is {'on' if on else 'off'}."

    def fill_tank(self, litres: int) -> dict[str, int]:
        """Let water into the tank, which holds 80 litres.

        Args:
            litres: How much.
        """
        if litres < 1 or self.tank + litres > TANK_LITRES:
            raise ValueError(f"there is room for {TANK_LITRES - self.tank} litres")
        self.tank += litres
        return {"tank_litres": self.tank}

    def start_pump(self) -> str:
        """Start the pump; it needs power (main_switch) and water (fill_tank)."""
        if not self.switch:
            raise PermissionError("no power: use main_switch first")
        if not self.tank:
            raise PermissionError("the tank is empty: use fill_tank first")
        if self.pump:
            raise ValueError("the pump runs already")
        self.pump = True
        return "The pump runs."

    def water_bed(self, bed_id: str, litres: int) -> dict[str, Any]:
        """Water a bed with the running pump (start_pump).

        Args:
            bed_id: Name of the bed.
            litres: From 1 to 20.
        """
        bed = self._bed(bed_id)
        if not self.pump:
            raise PermissionError("the pump stands still: use start_pump first")
        if not 1 <= litres <= min(MOST_LITRES, self.tank):
            raise ValueError(f"the pump gives 1 to {min(MOST_LITRES, self.tank)} litres now")
        self.tank -= litres
        bed["moisture"] = min(100, bed["moisture"] + 3 * litres)
        return {"bed_id": bed_id, "moisture": bed["moisture"]}

    def sow(self, bed_id: str, packet_id: str) -> dict[str, Any]:
        """Sow a packet into an empty bed.

        Args:
            bed_id: Name of the bed.
            packet_id: Number of the packet.
        """
        bed = self._bed(bed_id)
        if packet_id not in self.packets:
            raise LookupError(f"packet {packet_id} is unknown: see list_packets")
        if bed["crop"]:
            raise ValueError(f"{bed['crop']} grows in {bed_id}")
        packet = self.packets[packet_id]
        if not packet["left"]:
            raise ValueError(f"packet {packet_id} is empty")
        packet["left"] -= 1
        bed.update(crop=packet["crop"], age=0)
        return {"bed_id": bed_id, "crop": packet["crop"], "days_to_harvest": CROPS[packet["crop"]]}

    def clear_bed(self, bed_id: str) -> str:
        """Throw away what grows in a bed.

        Args:
            bed_id: Name of the bed.
        """
        bed = self._bed(bed_id)
        if not bed["crop"]:
            raise ValueError(f"nothing grows in {bed_id}: use sow first")
        bed.update(crop=None, age=0)
        return f"{bed_id} is empty."

    def wait_days(self, days: int) -> dict[str, Any]:
        """Let days pass; plants in beds of moisture 20 and more grow.

        Args:
            days: From 1 to 7.
        """
        if not 1 <= days <= 7:
            raise ValueError("from 1 to 7 days")
        self.day += days
        for bed in self.beds.values():
            if bed["crop"] and bed["moisture"] >= 20:
                bed["age"] += days
            bed["moisture"] = max(0, bed["moisture"] - 2 * days)
        return {"day": self.day}

    def harvest(self, bed_id: str) -> dict[str, Any]:
        """Harvest a ripe bed into the store.

        Args:
            bed_id: Name of the bed.
        """
        bed = self._bed(bed_id)
        if not bed["crop"]:
            raise ValueError(f"nothing grows in {bed_id}: use sow first")
        if bed["age"] < CROPS[bed["crop"]]:
            raise ValueError(f"{bed['crop']} in {bed_id} is not ripe: use wait_days")
        crate = f"crate-{len(self.store) + 11}"
        self.store[crate] = {"crop": bed["crop"], "day": self.day}
        bed.update(crop=None, age=0)
        return {"crate_id": crate, "crop": self.store[crate]["crop"]}

    def label_crate(self, crate_id: str, text: str) -> str:
        """Write a label on a crate in the store.

        Args:
            crate_id: From harvest.
            text: What it says.
        """
        if crate_id not in self.store:
            raise LookupError(f"crate {crate_id} is unknown: use harvest first")
        self.store[crate_id]["label"] = text
        return f"{crate_id} is labelled."

    def open_vent(self, side: Literal["north", "south"], percent: int) -> dict[str, Any]:
        """Open a vent, or close it with 0; it is driven by power (main_switch).

        Args:
            side: Which vent.
            percent: From 0 to 100.
        """
        if side not in self.vents:
            raise ValueError("side is north or south")
        if not self.switch:
            raise PermissionError("no power: use main_switch first")
        if not 0 <= percent <= 100:
            raise ValueError("from 0 to 100 percent")
        self.vents[side] = percent
        return {"side": side, "percent": percent}

    def set_lamp(self, level: Lamp) -> str:
        """Set the lamp; it needs power (main_switch).

        Args:
            level: How bright.
        """
        if level not in ("off", "dim", "full"):
            raise ValueError("level is off, dim or full")
        if not self.switch:
            raise PermissionError("no power: use main_switch first")
        self.lamp = level
        return f"The lamp is {level}."

    def _bed(self, bed_id: str) -> dict[str, Any]:
        if bed_id not in self.beds:
            raise LookupError(f"bed {bed_id} is unknown: see list_beds")
        return self.beds[bed_id]
