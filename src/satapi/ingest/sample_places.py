"""Places well inside land, where the footprints of the sample items lie."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """A place on land, in degrees."""

    name: str
    longitude: float
    latitude: float


PLACES = (
    Place("Alaska", -150.0, 65.5),
    Place("Yukon", -135.0, 63.5),
    Place("Saskatchewan", -106.0, 51.5),
    Place("Ontario", -88.0, 51.0),
    Place("Quebec", -73.0, 52.0),
    Place("Nevada", -116.5, 39.5),
    Place("Colorado", -103.5, 39.5),
    Place("Kansas", -98.5, 38.5),
    Place("Missouri", -92.5, 38.0),
    Place("Georgia", -83.5, 33.0),
    Place("Chihuahua", -105.5, 28.5),
    Place("Amazonas", -63.0, -5.0),
    Place("Ucayali", -72.5, -9.0),
    Place("Altiplano", -67.5, -18.5),
    Place("Mato Grosso", -55.5, -12.5),
    Place("Minas Gerais", -45.0, -18.0),
    Place("Gran Chaco", -60.5, -22.0),
    Place("Patagonia", -69.0, -42.0),
    Place("Castile", -4.0, 40.5),
    Place("Auvergne", 2.8, 46.0),
    Place("Bavaria", 11.5, 48.7),
    Place("Hungary", 20.0, 47.0),
    Place("Poland", 19.5, 52.0),
    Place("Ukraine", 31.0, 49.5),
    Place("Finland", 27.0, 63.5),
    Place("Anatolia", 33.5, 39.0),
    Place("Grand Erg", 3.0, 27.0),
    Place("Azawad", -3.5, 18.5),
    Place("Air", 9.0, 18.0),
    Place("Chad", 18.0, 14.0),
    Place("Kordofan", 30.0, 14.0),
    Place("Ethiopia", 38.5, 8.5),
    Place("Congo", 23.0, -1.0),
    Place("Angola", 18.0, -12.0),
    Place("Zambia", 27.0, -14.0),
    Place("Kalahari", 23.0, -22.5),
    Place("Karoo", 23.0, -31.0),
    Place("Nejd", 45.0, 23.5),
    Place("Dasht-e Kavir", 55.0, 33.5),
    Place("Kazakhstan", 67.0, 48.5),
    Place("Vasyugan", 77.0, 58.5),
    Place("Yakutia", 129.0, 62.5),
    Place("Gobi", 104.0, 44.0),
    Place("Gansu", 103.0, 36.5),
    Place("Sichuan", 104.5, 30.5),
    Place("Changtang", 88.0, 32.0),
    Place("Rajasthan", 73.5, 27.0),
    Place("Deccan", 77.0, 18.0),
    Place("Manchuria", 125.5, 46.0),
    Place("Myanmar", 96.0, 21.5),
    Place("Alice Springs", 133.8, -23.7),
    Place("Little Sandy Desert", 122.0, -24.5),
    Place("Queensland", 144.0, -23.5),
    # Chukotka, which the antimeridian crosses on land from 65 to 69 degrees north.
    Place("Anadyr", 179.9, 66.6),
    Place("Amguema", -179.7, 67.4),
    Place("Chaun", 177.8, 68.2),
)
