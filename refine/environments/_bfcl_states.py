"""States for BFCL's classes with names, texts and numbers of our own; no initial state of an item is ever read.

The fields are those that each class's own loader takes. Only what a class itself accepts nothing else for (its cities,
ticker symbols, units) is the class's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

PEOPLE = (
    *("Anneke Vos", "Bastian Roth", "Chiara Fonti", "Dimitar Ilchev", "Esra Aydin", "Farid Qasimi", "Gwen Parry"),
    *("Hedda Storm", "Ivo Kralj", "Jolanta Zych", "Kofi Mensah", "Liv Dahl", "Mateus Prado", "Nadia Benali"),
)
FOLDERS = (
    "orchard",
    "ledgers",
    "sketches",
    "field_trips",
    "harbour",
    "minutes",
    "spare_parts",
    "choir",
    "kiln",
    "weather",
)
STEMS = (
    "apples",
    "rota",
    "tide_table",
    "glaze",
    "seed_list",
    "boats",
    "songs",
    "bolts",
    "rainfall",
    "budget_q3",
    "keys",
)
ENDINGS = (".txt", ".md", ".csv", ".log")
LINES = (
    *("Turn the compost on Monday.", "Ask the ferryman about the ropes.", "Two crates are missing from the shed."),
    *("The choir meets at seven.", "Order more bolts of size eight.", "Frost is expected on Thursday night."),
    *("Paint the north fence before June.", "Bring the spare key to the kiln.", "Count the lamps in the hall."),
)
TAGS = ("#orchard", "#tides", "#pottery", "#choir", "#fieldnotes")
TOPICS = ("Pump makes a noise", "Door sensor silent", "Label printer jams", "Badge not accepted", "Heater too warm")
SYMBOLS = ("AAPL", "GOOG", "TSLA", "MSFT", "NVDA", "ALPH", "OMEG", "QUAS", "NEPT", "SYNX", "ZETA")
DOORS = ("driver", "passenger", "rear_left", "rear_right")
CITIES = (
    *("Rivermist", "Stonebrook", "Maplecrest", "Silverpine", "Shadowridge", "Sunset Valley", "Oakendale"),
    *("Willowbend", "Crescent Hollow", "Autumnville", "San Francisco"),
)
DATES = ("2026-05-11", "2026-06-02", "2026-07-19", "2026-08-30", "2026-09-14")

VALUES: Mapping[str, Sequence[Any]] = {
    "city": CITIES,
    "cityA": ("83214", "94016", "62947"),
    "cityB": ("74532", "94704", "08540", "47329"),
    "set_navigation.destination": (
        "14 Canal Row, Stonebrook, CA",
        "9 Kiln Lane, Oakendale, OR",
        "77 Harbour Steps, Silverpine, WA",
    ),
    "ignitionMode": ("START", "STOP"),
    "pedalPosition": (0.0, 0.5, 1.0),
    "setCruiseControl.speed": (40.0, 55.0, 65.0, 80.0),
    "distanceToNextVehicle": (80.0, 100.0, 150.0),
    "temperature": (18.0, 21.5, 23.0),
    "fanSpeed": (20, 40, 75),
    "fuelAmount": (3.0, 5.5, 8.0),
    "gallon": (2.0, 7.5, 12.0),
    "liter": (10.0, 25.0, 38.0),
    "distance": (45.0, 120.0, 310.0),
    "messages": (["Check the oil at 40,000 miles"], ["Left mirror is loose", "Ask the garage"]),
    "door": ([*DOORS], ["driver"], ["passenger", "rear_left"]),
    "travel_class": ("economy", "business", "first"),
    "travel_date": DATES,
    "travel_from": ("SFO", "LAX", "JFK", "RMS", "ORD"),
    "travel_to": ("LAX", "BOS", "ORD", "JFK", "SBK", "OKD"),
    "insurance_type": ("basic", "comprehensive"),
    "insurance_cost": (40.0, 95.0, 150.0),
    "budget_limit": (900.0, 2500.0, 6000.0),
    "card_number": ("4019 2277 6610 5583", "5204 7781 9034 1126", "4716 3308 5521 9047"),
    "expiration_date": ("04/2029", "11/2030"),
    "cardholder_name": PEOPLE,
    "card_verification_number": (417, 802, 955),
    "client_id": ("lantern-travel-app", "northway-app"),
    "client_secret": ("s-7714-qx", "s-0932-lm"),
    "refresh_token": ("rt-551-kestrel", "rt-208-heron"),
    "user_first_name": tuple(name.split()[0] for name in PEOPLE),
    "user_last_name": tuple(name.split()[1] for name in PEOPLE),
    "date_of_birth": ("1984-02-17", "1991-10-05", "1976-07-23"),
    "passport_number": ("US40718825", "US77130264"),
    "compute_exchange_rate.value": (320.0, 1250.0, 48.5),
    "base_currency": ("USD", "EUR", "GBP"),
    "target_currency": ("RMB", "CAD", "JPY", "GBP", "INR", "RUB", "BRL", "MXN", "AUD"),
    "lastModifiedAfter": ("2025-11-03T08:15:00",),
    "includeRemoved": ("true", "false"),
    "message": LINES,
    "comment_content": LINES,
    "post_tweet.content": LINES,
    "tags": (["#orchard"], ["#tides", "#choir"]),
    "mentions": (["@liv.dahl"], ["@kofi_m", "@hedda"]),
    "mentioned_usernames": (["tideclock"], ["kilnmaster", "hedda.storm"]),
    "username_to_follow": ("tideclock", "hedda.storm", "kilnmaster"),
    "keyword": ("choir", "frost", "key", "bolts"),
    "user_name": ("Orsolya Papp", "Quentin Marsh", "Runa Eide"),
    "title": TOPICS,
    "description": LINES,
    "priority": (1, 2, 3, 4, 5),
    "updates": ({"status": "In Progress"}, {"priority": 4}, {"title": "Pump replaced"}),
    "resolution": ("Part replaced and tested.", "Settings restored.", "Cable was loose."),
    "get_user_tickets.status": ("Open", "Closed", "Resolved"),
    "ticket_login.username": ("gwen.parry", "ivo.kralj"),
    "ticket_login.password": ("thistle-41", "copper-09"),
    "trading_login.username": ("liv.dahl", "mateus.prado"),
    "trading_login.password": ("juniper-77", "slate-15"),
    "sector": ("Technology", "Automobile"),
    "name": ("Apple", "Google", "Tesla", "Microsoft", "Nvidia", "Omega Industries", "Quasar Ltd."),
    "order_type": ("Buy", "Sell"),
    "place_order.amount": (3, 8, 20),
    "fund_account.amount": (250.0, 1200.0, 4000.0),
    "withdraw_funds.amount": (50.0, 120.0, 300.0),
    "min_price": (50.0, 150.0),
    "max_price": (400.0, 1200.0),
    "threshold": (0.5, 2.0),
    "stock": SYMBOLS,
    "symbol": SYMBOLS,
    "stocks": ([*SYMBOLS[:3]], [*SYMBOLS[4:7]]),
    "start_date": ("2024-01-01",),
    "end_date": ("2027-12-31",),
    "cp.destination": ("copy_of_notes.txt", "old_list.md", "spare.csv"),
    "mv.destination": ("renamed.txt", "final_list.md", "archive.csv"),
    "echo.content": LINES,
    "dir_name": ("attic", "loom", "ferry_notes", "pantry"),
    "touch.file_name": ("packing.txt", "ideas.md", "ropes.csv"),
    "echo.file_name": ("packing.txt", "notes_today.md"),
    "pattern": ("the", "Order", "frost", "key"),
    "mode": ("l", "w", "c"),
    "find.name": STEMS,
    "lines": (1, 2, 3),
    "base": (2.0, 3.0, 10.0),
    "exponent": (2.0, 3.0),
    "precision": (3, 6),
    "decimal_places": (1, 2),
    "si_unit_conversion.unit_in": ("kilometer", "km", "m", "kilogram"),
    "si_unit_conversion.unit_out": ("meter", "m", "mm", "gram"),
    "imperial_si_conversion.unit_in": ("mi", "lb", "in"),
    "imperial_si_conversion.unit_out": ("km", "kg", "cm"),
}
"""What only a user would know, by parameter; in earlier results and in the state there are others."""


def generate(name: str, draw: Random) -> dict[str, Any]:
    """The initial configuration of a class.

    Args:
        name: The class.
        draw: Where every choice comes from.

    Returns:
        What its loader takes.
    """
    return _WRITERS[name](draw)


def _files(draw: Random) -> dict[str, Any]:
    def folder(depth: int) -> dict[str, Any]:
        names = [f"{stem}{draw.choice(ENDINGS)}" for stem in draw.sample(STEMS, draw.randint(2, 4))]
        contents: dict[str, Any] = {
            name: {"type": "file", "content": "\n".join(draw.sample(LINES, draw.randint(1, 4)))} for name in names
        }
        below = draw.sample(FOLDERS, draw.randint(1, 2)) if depth < 2 else []
        contents |= {name: {"type": "directory", "contents": folder(depth + 1)} for name in below}
        return contents

    return {"root": {draw.choice(PEOPLE).split()[0].lower(): {"type": "directory", "contents": folder(0)}}}


def _messages(draw: Random) -> dict[str, Any]:
    people = draw.sample(PEOPLE, 5)
    ids = {
        name.split()[0]: f"USR{number:03}" for number, name in zip(draw.sample(range(100, 900), 5), people, strict=True)
    }
    senders = draw.sample(sorted(ids.values()), 3)
    inbox = [{sender: draw.choice(LINES)} for sender in senders]
    return {
        "random_seed": draw.randrange(10**6),
        "user_count": len(ids),
        "user_map": ids,
        "inbox": inbox,
        "message_count": len(inbox),
        "current_user": None,
    }


def _posts(draw: Random) -> dict[str, Any]:
    people = [name.lower().replace(" ", draw.choice("._")) for name in draw.sample(PEOPLE, 5)]
    tweets = {
        str(number): {
            "id": number,
            "username": draw.choice(people[:3]),
            "content": draw.choice(LINES),
            "tags": draw.sample(TAGS, 1),
            "mentions": [],
        }
        for number in range(draw.randint(2, 4))
    }
    return {
        "username": people[0],
        "password": f"{draw.choice(FOLDERS)}-{draw.randrange(10, 99)}",
        "authenticated": False,
        "tweets": tweets,
        "comments": {},
        "retweets": {},
        "following_list": people[3:],
        "tweet_counter": len(tweets),
    }


def _tickets(draw: Random) -> dict[str, Any]:
    first = draw.randrange(200, 900)
    authors = ("gwen.parry", "ivo.kralj")
    queue = [
        {
            "id": first + place,
            "title": draw.choice(TOPICS),
            "description": draw.choice(LINES),
            "status": "Open",
            "priority": draw.randint(1, 5),
            "created_by": draw.choice(authors),
        }
        for place in range(draw.randint(2, 4))
    ]
    return {"ticket_queue": queue, "ticket_counter": first + len(queue), "current_user": None}


def _trading(draw: Random) -> dict[str, Any]:
    def stock() -> dict[str, float]:
        price = draw.randrange(4_000, 90_000) / 100
        return {
            "price": price,
            "percent_change": draw.randrange(-300, 300) / 100,
            "volume": draw.randrange(500, 5000) / 1000,
            "MA(5)": round(price * 0.99, 2),
            "MA(20)": round(price * 1.01, 2),
        }

    stocks = {symbol: stock() for symbol in SYMBOLS}
    first = draw.randrange(20_000, 60_000)
    orders = {
        str(first + place): {
            "id": first + place,
            "order_type": draw.choice(("Buy", "Sell")),
            "symbol": symbol,
            "price": stocks[symbol]["price"],
            "amount": draw.randint(1, 30),
            "status": "Pending",
        }
        for place, symbol in enumerate(draw.sample(SYMBOLS, 2))
    }
    account = {
        "account_id": draw.randrange(30_000, 99_999),
        "balance": float(draw.randrange(20_000, 60_000)),
        "binding_card": draw.randrange(10**15, 10**16),
    }
    return {
        "random_seed": draw.randrange(10**6),
        "orders": orders,
        "account_info": account,
        "authenticated": False,
        "market_status": "Open",
        "order_counter": first + len(orders),
        "stocks": stocks,
        "watch_list": draw.sample(SYMBOLS, 2),
        "transaction_history": [],
    }


def _travel(draw: Random) -> dict[str, Any]:
    return {"random_seed": draw.randrange(10**6), "credit_card_list": {}, "booking_record": {}}


def _vehicle(draw: Random) -> dict[str, Any]:
    pressures = ("frontLeftTirePressure", "frontRightTirePressure", "rearLeftTirePressure", "rearRightTirePressure")
    return {
        "random_seed": draw.randrange(10**6),
        "fuelLevel": draw.randrange(40, 300) / 10,
        "batteryVoltage": draw.randrange(118, 134) / 10,
        "engineState": "stopped",
        "doorStatus": {door: draw.choice(("locked", "unlocked", "unlocked")) for door in DOORS},
        "acTemperature": draw.randrange(160, 280) / 10,
        "fanSpeed": draw.randrange(5, 95),
        "acMode": draw.choice(("auto", "cool", "heat")),
        "humidityLevel": draw.randrange(300, 700) / 10,
        "headLightStatus": "off",
        "parkingBrakeStatus": draw.choice(("released", "engaged")),
        "distanceToNextVehicle": draw.randrange(200, 900) / 10,
        **{name: draw.randrange(270, 350) / 10 for name in pressures},
    }


_WRITERS: Mapping[str, Callable[[Random], dict[str, Any]]] = {
    "GorillaFileSystem": _files,
    "MathAPI": lambda draw: {},
    "MessageAPI": _messages,
    "TwitterAPI": _posts,
    "TicketAPI": _tickets,
    "TradingBot": _trading,
    "TravelAPI": _travel,
    "VehicleControlAPI": _vehicle,
}
CLASSES = tuple(_WRITERS)
