"""Checks a request to SES against botocore's own model and signer. Reads {method, path, headers, body} as JSON; prints
the parameters of the operation but the e-mail, the e-mail as Python's own parser reads it, and whether the signature is
the one that botocore computes.
"""

import base64
import json
import sys

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.validate import ParamValidator

from parsed_mail import parsed

given = json.load(sys.stdin)
session = botocore.session.get_session()
model = session.get_service_model("sesv2")
operation = model.operation_model("SendEmail")
expected = (operation.http["method"], operation.http["requestUri"])
assert (given["method"], given["path"]) == expected, expected
parameters = json.loads(given["body"])
# A blob is base64 on the wire.
parameters["Content"]["Raw"]["Data"] = base64.b64decode(parameters["Content"]["Raw"]["Data"], validate=True)
report = ParamValidator().validate(parameters, operation.input_shape)
assert not report.has_errors(), report.generate_report()
unknown = set(parameters) - set(operation.input_shape.members)
assert not unknown, unknown

headers = given["headers"]
scope, signed, signature = headers["authorization"].split(", ")
names = signed.removeprefix("SignedHeaders=").split(";")
request = AWSRequest(given["method"], f"http://{headers['host']}{given['path']}", data=given["body"],
                     headers={name: headers[name] for name in names if name != "host"})
request.context["timestamp"] = headers["x-amz-date"]
signer = SigV4Auth(Credentials("AKID", "SECRET"), model.signing_name, "eu-central-1")
text = signer.string_to_sign(request, signer.canonical_request(request))
mail = parsed(parameters.pop("Content")["Raw"]["Data"])
is_signed = signature == "Signature=" + signer.signature(text, request)
json.dump({"parameters": parameters, "mail": mail, "isSigned": is_signed}, sys.stdout)
