"""The services of the phone: device, messages, reminders and food orders, as agents' calls meet them.

Names of classes, methods and parameters are the interface that the data set's function documents describe; what a call
changes and returns follows the official environment classes (`scenarios*/phone_platform/`, commit 56dd66cf). States and
result texts are read from those files, see `sources`. A public method can be called by a model: helpers are private.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

Say = Callable[..., str]
"""A result text by its name, its gaps filled with the values that follow."""
Result = dict[str, Any]


class BaseApi:
    """The device.

    Args:
        state: Initial attributes; copied.
        say: Gives result texts.
        language: `en` or `zh`.
        config: `wifi` and `logged_in`, where an item sets them.
    """

    saved: tuple[str, ...] = ("wifi", "logged_in")
    """Attributes that count as the result."""

    def __init__(self, state: Mapping[str, Any], say: Say, language: str, config: Mapping[str, Any]) -> None:
        for name, value in copy.deepcopy(dict(state)).items():
            setattr(self, name, value)
        self.wifi = config.get("wifi", False)
        self.logged_in = config.get("logged_in", True)
        self._say, self._language = say, language

    def turn_on_wifi(self) -> Result:
        """Switch the network on."""
        self.wifi = True
        return self._done("wifi_on")

    def login_device(self) -> Result:
        """Log in to the device."""
        self.logged_in = True
        return self._done("device_on")

    def _done(self, text: str, *values: Any, **more: Any) -> Result:
        return {"status": True, "message": self._say(text, *values), **more}

    def _refuse(self, text: str, *values: Any) -> Result:
        return {"status": False, "message": self._say(text, *values)}


class MessageApi(BaseApi):
    """Short messages between six users; the inbox starts full."""

    saved = ("inbox",)
    max_capacity: int
    message_id_counter: int
    user_list: dict[str, dict[str, str]]
    inbox: dict[int, dict[str, Any]]

    def send_message(self, sender_name: str, receiver_name: str, message: str) -> Result:
        """Put a message, without a time, into the inbox."""
        if not self.logged_in:
            return self._refuse("send_logged_out")
        if not self.wifi:
            return self._refuse("send_no_wifi")
        if len(self.inbox) >= self.max_capacity:
            return self._refuse("inbox_full")
        if sender_name not in self.user_list or receiver_name not in self.user_list:
            return self._refuse("no_sender_or_receiver")
        self.message_id_counter += 1
        self.inbox[self.message_id_counter] = {
            "sender_id": self.user_list[sender_name]["user_id"],
            "receiver_id": self.user_list[receiver_name]["user_id"],
            "message": message,
        }
        return self._done("sent", receiver_name)

    def delete_message(self, message_id: int) -> Result:
        """Take a message out of the inbox."""
        if not self.logged_in:
            return self._refuse("delete_logged_out")
        if message_id not in self.inbox:
            return self._refuse("no_message")
        del self.inbox[message_id]
        return self._done("deleted", message_id)

    def view_messages_between_users(self, sender_name: str, receiver_name: str) -> Result:
        """Messages from one user to another."""
        if not self.logged_in:
            return self._refuse("view_logged_out")
        if sender_name not in self.user_list:
            return self._refuse("no_sender")
        if receiver_name not in self.user_list:
            return self._refuse("no_receiver")
        ends = self.user_list[sender_name]["user_id"], self.user_list[receiver_name]["user_id"]
        found = [
            {"id": number, "sender": sender_name, "receiver": receiver_name, "message": message["message"]}
            for number, message in self.inbox.items()
            if (message["sender_id"], message["receiver_id"]) == ends
        ]
        return {"status": True, "messages": found} if found else self._refuse("no_messages_between")

    def search_messages(self, user_name: str, keyword: str) -> Result:
        """Messages that a user sent or received and that hold a word, whatever its case."""
        if user_name not in self.user_list:
            return self._refuse("no_user")
        user = self.user_list[user_name]["user_id"]
        found = [
            {"id": number, **{key: message[key] for key in ("sender_id", "receiver_id", "message")}}
            for number, message in self.inbox.items()
            if user in (message["sender_id"], message["receiver_id"]) and keyword.lower() in message["message"].lower()
        ]
        return {"status": True, "messages": found} if found else self._refuse("no_messages_with")

    def get_all_message_times_with_ids(self) -> dict[Any, Any]:
        """Times of all messages by number; a message that was sent in this dialogue has none and makes it fail."""
        if not self.logged_in:
            return self._refuse("times_logged_out")
        return {number: message["time"] for number, message in self.inbox.items()}

    def get_latest_message_id(self) -> Result:
        """The number of the newest message."""
        return self._end_of_inbox("latest", max)

    def get_earliest_message_id(self) -> Result:
        """The number of the oldest message."""
        return self._end_of_inbox("earliest", min)

    def _end_of_inbox(self, which: str, end: Callable[..., Any]) -> Result:
        if not self.logged_in:
            return self._refuse(f"{which}_logged_out")
        if not self.inbox:
            return self._refuse("inbox_empty")
        number = end(self.inbox, key=lambda each: datetime.strptime(self.inbox[each]["time"], "%Y-%m-%d"))
        return self._done(which, number, message_id=number)


class ReminderApi(BaseApi):
    """Reminders; new ones are numbered on from the third."""

    saved = ("reminder_list",)
    max_capacity: int
    reminder_id_counter: int
    reminder_list: dict[int, dict[str, Any]]

    def view_reminder_by_title(self, title: str) -> Result:
        """The reminder with exactly that title."""
        if not self.logged_in:
            return self._refuse("reminder_view_logged_out")
        for reminder in self.reminder_list.values():
            if reminder["title"] == title:
                return {"status": True, "reminder": reminder}
        return self._refuse("no_reminder_titled", title)

    def add_reminder(self, title: str, description: str, time: Any) -> Result:
        """Add a reminder, if there is room."""
        if not self.logged_in:
            return self._refuse("reminder_add_logged_out")
        if len(self.reminder_list) >= self.max_capacity:
            return self._refuse("reminders_full")
        self.reminder_id_counter += 1
        number = self.reminder_id_counter
        reminder = {"reminder_id": number, "title": title, "description": description, "time": time, "notified": False}
        self.reminder_list[number] = reminder
        return self._done("reminder_added", title)

    def delete_reminder(self, reminder_id: int) -> Result:
        """Take a reminder off the list by its place there."""
        if not self.logged_in:
            return self._refuse("reminder_delete_logged_out")
        if reminder_id not in self.reminder_list:
            return self._refuse("no_reminder")
        del self.reminder_list[reminder_id]
        return self._done("reminder_deleted", reminder_id)

    def view_all_reminders(self) -> Result:
        """All reminders, also without being logged in."""
        if not self.reminder_list:
            return self._refuse("no_reminders")
        shown = ("title", "description", "time", "notified")
        reminders = [{key: reminder[key] for key in shown} for reminder in self.reminder_list.values()]
        return {"status": True, "reminders": reminders}


class ChineseReminderApi(ReminderApi):
    """The Chinese reminders know two calls more."""

    def mark_as_notified(self, reminder_id: int) -> Result:
        """Mark a reminder as done."""
        if reminder_id not in self.reminder_list:
            return self._refuse("no_reminder")
        self.reminder_list[reminder_id]["notified"] = True
        return self._done("reminder_notified", reminder_id)

    def search_reminders(self, keyword: str) -> Result:
        """Reminders that hold a word; a hit fails, because times are stored as texts."""
        found = [
            {key: reminder[key] for key in ("title", "description")} | {"time": _minutes(reminder["time"])}
            for reminder in self.reminder_list.values()
            if keyword.lower() in reminder["title"].lower() or keyword.lower() in reminder["description"].lower()
        ]
        return {"status": True, "reminders": found} if found else self._refuse("no_reminders_with")


def _minutes(time: Any) -> str:
    text: str = time.strftime("%Y-%m-%d %H:%M")
    return text


class FoodPlatform(BaseApi):
    """Food deliveries, paid from a balance."""

    saved = ("users", "logged_in_users", "orders")
    users: dict[str, dict[str, Any]]
    merchant_list: dict[str, dict[str, Any]]
    logged_in_users: list[str]
    orders: list[dict[str, Any]]

    def login_food_platform(self, username: str, password: str) -> Result:
        """Log a user in, which needs the network; a second time is refused."""
        if not self.wifi:
            return self._refuse("food_no_wifi")
        if username not in self.users:
            return self._refuse("no_user")
        if self.users[username]["password"] != password:
            return self._refuse("wrong_password")
        if username in self.logged_in_users:
            return self._refuse("already_logged_in", username)
        self.logged_in_users.append(username)
        return self._done("food_logged_in", username)

    def view_logged_in_users(self) -> Result:
        """Who is logged in."""
        if not self.logged_in_users:
            return self._refuse("nobody_logged_in")
        return {"status": True, "logged_in_users": self.logged_in_users}

    def check_balance(self, user_name: str) -> float:
        """A user's balance in yuan; 0 for a stranger."""
        return self.users[user_name]["balance"] if user_name in self.users else 0.0

    def add_food_delivery_order(self, username: str, merchant_name: str, items: Iterable[Any]) -> Result:
        """Order products of one merchant, if the balance allows it."""
        if username not in self.logged_in_users:
            return self._refuse("food_logged_out", username)
        if merchant_name not in self.merchant_list:
            return self._refuse("no_merchant")
        menu = self.merchant_list[merchant_name]["menu"]
        total, ordered = 0.0, []
        for item in items:
            product, quantity = item.get("product"), item.get("quantity", 1)
            if not isinstance(quantity, int) or quantity <= 0:
                return self._refuse("bad_quantity", quantity, product)
            price = next((entry["price"] for entry in menu if entry["product"] == product), None)
            if price is None:
                return self._refuse("no_product", product, merchant_name)
            total += price * quantity
            ordered.append({"product": product, "quantity": quantity, "price_per_unit": price})
        if total > self.users[username]["balance"]:
            return self._refuse("balance_too_low")
        self.users[username]["balance"] -= total
        order = {"user_name": username, "merchant_name": merchant_name, "items": ordered, "total_price": total}
        self.orders.append(order)
        return self._done("ordered", merchant_name, total)

    def get_products(self, merchant_name: str) -> Any:
        """A merchant's menu."""
        merchant = self.merchant_list.get(merchant_name)
        return merchant["menu"] if merchant else self._refuse("no_merchant_named", merchant_name)

    def view_orders(self, user_name: str) -> Result:
        """A user's orders of this dialogue."""
        found = [order for order in self.orders if order["user_name"] == user_name]
        return {"status": True, "orders": found} if found else self._refuse("no_orders")

    def search_orders(self, keyword: str) -> Result:
        """Orders whose merchant or products hold a word."""
        found = [
            order
            for order in self.orders
            if keyword.lower() in order["merchant_name"].lower()
            or any(keyword.lower() in item["product"].lower() for item in order["items"])
        ]
        return {"status": True, "orders": found} if found else self._refuse("no_orders_with")
