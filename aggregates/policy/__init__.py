"""A region's edition: the choices it makes and the day it counts from."""
