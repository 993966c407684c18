"""HTTP clients of APIs: calls with retries, waits and a rate limit, from the declaration of an API (`api.Api`).

It knows no vendor and no engine. A vendor's client declares its API and has a method for each call.
"""
