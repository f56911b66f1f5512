"""Rows as the API's objects: names, types and enums of Stripe's objects where Stripe has them."""
