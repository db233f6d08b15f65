"""Verifies a webhook with the package that receivers use; reads secret, headers and body as JSON."""
import json
import sys

from standardwebhooks import Webhook

request = json.load(sys.stdin)
json.dump(Webhook(request["secret"]).verify(request["body"], request["headers"]), sys.stdout)
