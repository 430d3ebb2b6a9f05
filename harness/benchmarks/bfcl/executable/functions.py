"""The 32 pure functions that the executable categories call, by the names and parameters of their documents.

Both the model's and the expected call go through these, so what counts is that equal arguments give equal results and
that unusable ones raise. Amounts of work that no question asks for are refused. Formulas follow the retired
`executable_python_function.py` (before April 2025), oddities included: a room has no default price, the derivative is a
difference quotient with a step of 1e-10.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate, repeat
from typing import Any

from harness.benchmarks.bfcl.executable.formula import bounded_power, function_of

Number = int | float

MAX_WORK = 20_000
"""Loop rounds of one function; the largest in the data is a factorial of 1,000."""
MAX_PRODUCTS = 1_000_000
"""Multiplications of one matrix product, or comparisons of points."""


def _bounded(value: int, most: int = MAX_WORK) -> int:
    if value > most:
        raise ValueError(f"{value} is more than {most}")
    return value


def _factorial(n: int) -> int:
    return math.prod(range(1, _bounded(n) + 1))


def calculate_triangle_area(base: Number, height: Number) -> Number:
    """Half of base times height."""
    return base * height / 2


def geometry_area_circle(radius: Number) -> Number:
    """Pi times the squared radius."""
    return math.pi * radius**2


def polygon_area(vertices: Sequence[Sequence[Number]]) -> Number:
    """Shoelace formula."""
    if len(vertices) < 3:
        raise ValueError("a polygon has at least three vertices")
    following = [*vertices[1:], vertices[0]]
    twice = sum((one[0] * other[1]) - (other[0] * one[1]) for one, other in zip(vertices, following, strict=True))
    return abs(twice) / 2.0


def get_distance(pointA: Sequence[Number], pointB: Sequence[Number]) -> Number:
    """Euclidean distance of two points of the plane."""
    across, along = pointA[0] - pointB[0], pointA[1] - pointB[1]
    distance: Number = (across**2 + along**2) ** 0.5
    return distance


def math_factorial(n: int) -> int:
    """The product of the first n whole numbers."""
    return _factorial(n)


def math_gcd(a: Number, b: Number) -> Number:
    """Euclid's algorithm; the sign is that of its last remainder."""
    while b:
        a, b = b, a % b
    return a


def math_lcm(a: Number, b: Number) -> float:
    """Product over the greatest common divisor, as a float."""
    return a * b / math_gcd(a, b)


def get_prime_factors(number: Number) -> list[int]:
    """Prime factors in ascending order, as often as they divide."""
    if number != int(number) or number > MAX_PRODUCTS**2:
        raise ValueError(f"{number} is not a whole number up to {MAX_PRODUCTS**2}")
    left, divisor, factors = int(number), 2, []
    while divisor * divisor <= left:
        while left % divisor == 0:
            factors.append(divisor)
            left //= divisor
        divisor += 1
    return factors + [left] * (left > 1)


def get_fibonacci_sequence(n: int) -> list[int]:
    """The first n Fibonacci numbers from 0 on, at least two."""
    sequence = [0, 1]
    for _ in range(2, _bounded(n)):
        sequence.append(sequence[-1] + sequence[-2])
    return sequence


def get_fibonacci_number(n: int) -> int | str:
    """The nth Fibonacci number, the first being 0."""
    if n <= 0:
        return "Input should be a positive integer."
    return get_fibonacci_sequence(n)[n - 1]


def quadratic_roots(a: Number, b: Number, c: Number) -> list[Any]:
    """Both roots, the larger first for positive a; complex ones as maps of their parts."""
    discriminant = b**2 - 4 * a * c
    spread = abs(discriminant) ** 0.5
    if discriminant >= 0:
        return [(-b + spread) / (2 * a), (-b - spread) / (2 * a)]
    real, imaginary = -b / (2 * a), spread / (2 * a)
    return [{"real": real, "imaginary": imaginary}, {"real": real, "imaginary": -imaginary}]


def calculate_final_velocity(initial_velocity: Number, acceleration: Number, time: Number) -> Number:
    """Velocity after uniform acceleration."""
    return initial_velocity + acceleration * time


def calculate_displacement(initial_velocity: Number, acceleration: Number, time: Number) -> Number:
    """Way covered under uniform acceleration."""
    return initial_velocity * time + 0.5 * acceleration * time**2


def calculate_electrostatic_potential_energy(charge: Number, voltage: Number) -> Number:
    """Charge times voltage."""
    return charge * voltage


def calculate_density(mass: Number, volume: Number) -> Number:
    """Mass over volume."""
    return mass / volume


def mat_mul(matA: Sequence[Sequence[Number]], matB: Sequence[Sequence[Number]]) -> list[list[Number]]:
    """Matrix product."""
    width = len(matB[0])
    _bounded(len(matA) * len(matB) * width, MAX_PRODUCTS)
    return [
        [sum(row[inner] * matB[inner][column] for inner in range(len(matB))) for column in range(width)] for row in matA
    ]


def calculate_mean(numbers: Sequence[Number]) -> Number:
    """Arithmetic mean."""
    return sum(numbers) / len(numbers)


def calculate_standard_deviation(numbers: Sequence[Number]) -> Number:
    """Standard deviation of a population."""
    mean = calculate_mean(numbers)
    deviation: Number = (sum((number - mean) ** 2 for number in numbers) / len(numbers)) ** 0.5
    return deviation


def calc_binomial_probability(n: int, k: int, p: Number) -> Number:
    """Probability of exactly k successes in n trials."""
    ways = _factorial(n) / (_factorial(k) * _factorial(n - k))
    return ways * (bounded_power(p, k) * bounded_power(1 - p, n - k))


def calculate_permutations(n: int, k: int) -> float:
    """Ordered choices of k out of n, as a float."""
    return _factorial(n) / _factorial(n - k)


def estimate_derivative(function: str, x: Number) -> float:
    """Difference quotient of `lambda x: ...` with a step of 1e-10."""
    step = 1e-10
    evaluate = function_of(function)
    return (evaluate(x + step) - evaluate(x)) / step


def calculate_cosine_similarity(vectorA: Sequence[Number], vectorB: Sequence[Number]) -> Number:
    """Cosine of the angle between two vectors; the second may be longer."""
    product = sum(one * vectorB[index] for index, one in enumerate(vectorA))
    lengths = [sum(vector[index] ** 2 for index in range(len(vectorA))) ** 0.5 for vector in (vectorA, vectorB)]
    similarity: Number = product / (lengths[0] * lengths[1])
    return similarity


def mortgage_calculator(loan_amount: Number, interest_rate: Number, loan_period: Number) -> Number:
    """Monthly payment of a loan, its period in years."""
    monthly = interest_rate / 12
    growth = bounded_power(1 + monthly, loan_period * 12)
    return loan_amount * monthly * growth / (growth - 1)


def calculate_future_value(present_value: Number, interest_rate: Number, periods: Number) -> Number:
    """Compound interest."""
    return present_value * bounded_power(1 + interest_rate, periods)


def calculate_investment_value(
    initial_investment: Number,
    annual_contribution: Number,
    years: int,
    annual_return: Number,
    inflation_rate: Sequence[Number],
    adjust_for_inflation: bool = True,
) -> Number:
    """Value of an investment with yearly contributions; a missing year of inflation is an error."""
    _bounded(years)
    rates = [inflation_rate[year] for year in range(years)] if adjust_for_inflation else repeat(0, max(years, 0))
    growth = accumulate(
        rates,
        lambda value, rate: value * (1 + annual_return - rate) + annual_contribution * (1 - rate),
        initial=initial_investment,
    )
    return [*growth][-1]


def calculate_nutritional_needs(
    weight: Number, height: Number, age: Number, gender: str, activity_level: int, goal: str
) -> dict[str, Number]:
    """Daily calories by the Harris-Benedict equation, and their shares of protein, fat and carbohydrates in grams."""
    male = gender == "male"
    base, per_kilo, per_centimetre, per_year = (88.362, 13.397, 4.799, 5.677) if male else (447.593, 9.247, 3.098, 4.33)
    resting = base + (per_kilo * weight) + (per_centimetre * height) - (per_year * age)
    calories = resting * [1.2, 1.375, 1.55, 1.725, 1.9][activity_level - 1]
    calories += {"lose": -500, "gain": 500}.get(goal, 0)
    return {
        "calories": calories,
        "proteins_g": calories * 0.3 / 4,
        "fats_g": calories * 0.25 / 9,
        "carbohydrates_g": calories * 0.45 / 4,
    }


def sort_array(array: Sequence[Any], reverse: bool = False) -> list[Any]:
    """The elements in ascending or descending order."""
    return sorted(array, reverse=reverse)


def linear_regression(x: Sequence[Number], y: Sequence[Number], point: Number) -> Number:
    """Value at a point of the least-squares line."""
    n = len(x)
    slope = (n * sum(x[i] * y[i] for i in range(n)) - sum(x) * sum(y)) / (n * sum(one**2 for one in x) - sum(x) ** 2)
    return slope * point + (sum(y) - slope * sum(x)) / n


def add_binary_numbers(a: str, b: str) -> str:
    """Sum of two binary numbers, as binary digits."""
    return bin(int(a, 2) + int(b, 2))[2:]


def maxPoints(points: Sequence[Sequence[Number]]) -> int:
    """Most points on one line, never fewer than one."""
    _bounded(len(points) ** 2, MAX_PRODUCTS)
    most = 0
    for place, start in enumerate(points):
        directions = Counter(_slope(start, other) for other in points[place + 1 :])
        most = max([most, *directions.values()])
    return most + 1


def _slope(one: Sequence[Number], other: Sequence[Number]) -> Number | None:
    across, along = other[0] - one[0], other[1] - one[1]
    return along / across if across else None


def book_room(
    room_type: Any,
    price: Any,
    check_in_date: Any,
    check_out_date: Any,
    customer_id: Any,
    discount_code: str | None = None,
) -> dict[str, Any]:
    """The booking; the price is required, whatever its document says."""
    return {
        "customer_id": customer_id,
        "room_number": room_type,
        "check_in_date": check_in_date,
        "check_out_date": check_out_date,
        "total_price": price * 0.9 if discount_code == "DISCOUNT10" else price,
    }


def order_food(item: Sequence[str], quantity: Sequence[Number], price: Sequence[Number]) -> Number:
    """Total price, quantities and prices taken by the place of the item."""
    return sum(quantity[place] * price[place] for place in range(len(item)))


PURE: Mapping[str, Callable[..., Any]] = {
    name: function
    for name, function in globals().items()
    if callable(function) and getattr(function, "__module__", "") == __name__ and not name.startswith("_")
}
"""All functions by name."""
