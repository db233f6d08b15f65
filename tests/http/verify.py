"""Checks a webhook with the package that receivers use: reads secret, headers and body as JSON."""
import json
import sys

from standardwebhooks import Webhook

given = json.load(sys.stdin)
json.dump(Webhook(given["secret"]).verify(given["body"], given["headers"]), sys.stdout)
