"""Accounts and the bank."""

from __future__ import annotations

from typing import Any

from harness.benchmarks.apibank.data import database
from harness.benchmarks.apibank.records import Refused
from harness.benchmarks.apibank.rules import inputs, random_output, stripped, whole_input
from harness.benchmarks.apibank.tools import tool

TAKEN = "test"
"""The only bank account there is before a dialogue starts."""

FORGOTTEN, VERIFYING = "Forgot Password", "Verification Code"
CODE = 970420
"""The verification code, always."""


def user_of(token: str) -> str:
    """The user who has a token.

    Raises:
        Refused: Nobody has.
    """
    for name, account in database("Account").items():
        if account["token"] == token:
            return str(name)
    raise Refused("unknown token")


@tool(whole_input)
def get_user_token(username: str, password: str) -> dict[str, str]:
    """A user's token."""
    account = database("Account").get(username)
    if account is None or account["password"] != password:
        raise Refused("unknown user or wrong password")
    return {"token": account["token"]}


@tool(random_output)
def register_user(username: str, password: str, email: str) -> dict[str, str]:
    """A new user's token, upstream a random one."""
    if username in database("Account"):
        raise Refused("user exists")
    return {"token": ""}


@tool(whole_input)
def delete_account(token: str) -> dict[str, str]:
    """Delete the account that has a token."""
    user_of(token)
    return {"status": "success"}


@tool(whole_input)
def modify_password(token: str, old_password: str, new_password: str) -> dict[str, str]:
    """Give an account another password."""
    if database("Account")[user_of(token)]["password"] != old_password:
        raise Refused("wrong password")
    return {"status": "success"}


@tool(whole_input, sparse=True)
def forgot_password(
    status: str, username: str = "", email: str = "", verification_code: int = 0, new_password: str = ""
) -> int:
    """The code of the first step; the second step fails, for the first is never taken in the same item."""
    account: Any = database("Account").get(username)
    if status != FORGOTTEN or account is None or account["email"] != email:
        raise Refused("unknown user, wrong address, or no code was sent")
    return CODE


@tool(whole_input)
def open_bank_account(account: str, password: str, name: str) -> str:
    """Open an account."""
    return "failed" if account == TAKEN else "success"


@tool(inputs(token=stripped))
def query_balance(token: str) -> float:
    """A user's balance."""
    held = database("Bank").get(user_of(token))
    if held is None:
        raise Refused("no bank account")
    balance: float = held["balance"]
    return balance
