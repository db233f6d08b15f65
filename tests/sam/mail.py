"""E-mails of the deployed functions over the emulator's SES v2: it refuses senders that are not verified, and keeps what it
accepts."""

import json
import re
import time
import urllib.request

from calls import answer

WITHIN = 60  # seconds until an e-mail is sent and until a bounce counts


class Mail:
    """A person with an agent, and the e-mails to that person."""

    def __init__(self, aws, endpoint, gateway, session, owner):
        self.aws, self.endpoint, self.gateway, self.session = aws, endpoint, gateway, session
        self.key, self.channel = owner["API key"], owner["Channel"]
        me = self.person("/api/auth/me")["user"]
        self.user, self.address = me["id"], me["email"]

    def person(self, path, body=None, method=None):
        return answer(self.gateway + path, self.session, body, method)

    def ask(self, name):
        action = {"name": name, "args": {}, "target": "the shop", "reversible": False}
        review = {"type": "approval", "action": action}
        body = {"channelId": self.channel, "text": "Übernehmen?", "review": review}
        return answer(f"{self.gateway}/api/v1/messages", self.key, body)["id"]

    def test(self):
        """What the function `accounts` says of a test e-mail."""
        return self.person("/api/notifications/email/test", {})

    def accepted(self, subject):
        """The last e-mail to the person with this in its subject, as the emulator has kept it; None without one."""
        kept = answer(f"{self.endpoint}/_ministack/ses/messages")["messages"]
        ours = [mail for mails in kept.values() for mail in mails if mail["To"] == [self.address] and subject in mail["Subject"]]
        return ours[-1] if ours else None

    def given_up(self, review):
        """Whether the notification of a review is in the dead-letter queue."""
        queue = self.aws.physical_id("FailedNotifications")
        letters = self.aws.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        return any(review in letter["Body"] for letter in letters)

    def report_bounce(self):
        """What SES publishes once a mail server knows no such address."""
        event = {"eventType": "Bounce", "mail": {"tags": {"person": [self.user]}},
                 "bounce": {"bounceType": "Permanent", "bouncedRecipients": [{"emailAddress": self.address}]}}
        topic = self.aws.physical_id("MailFeedback")
        self.aws.client("sns").publish(TopicArn=topic, Message=json.dumps(event))

    def opens(self, link):
        """Whether a link of an e-mail leads to a page. The emulator serves the API below a path."""
        path = re.sub("https?://[^/]+", "", link)
        with urllib.request.urlopen(self.gateway + path, timeout=60) as page:
            return page.status == 200


def check(aws, endpoint, gateway, session, owner):
    authorise_on_everything(aws)
    mail = Mail(aws, endpoint, gateway, session, owner)
    mail.person("/api/preferences", {"notifications": {"email": {"enabled": True}}}, "PATCH")
    refused, lost = mail.test(), mail.ask("lost")
    is_given_up = until(lambda: mail.given_up(lost))
    aws.client("sesv2").create_email_identity(EmailIdentity=aws.parameters["MailIdentity"])
    tested, _ = mail.test(), mail.ask("deploy")
    sent = until(lambda: mail.accepted("deploy")) or {}
    text, html = sent.get("BodyText") or "", sent.get("BodyHtml") or ""
    links = [re.search(rf"https?://\S+/{name}/[\w.~-]+", text) for name in ("d", "unsubscribe")]
    mail.report_bounce()
    ended = until(lambda: mail.person("/api/preferences")["notifications"].get("emailEnded")) or {}
    seen = {
        "an unverified sender is refused": not refused["accepted"] and "not verified" in refused["error"],
        "its notification is given up": is_given_up,
        "a test is accepted": tested == {"to": mail.address, "accepted": True, "error": None},
        "it is kept": mail.accepted("This is a test message.") is not None,
        "the sender": sent.get("Source") == aws.parameters["MailFrom"],
        "both parts": all("Übernehmen?" in part and "the shop" in part for part in (text, html)),
        "both links in both parts": all(link and link[0] in html for link in links),
        "both links open": all(link and mail.opens(link[0]) for link in links),
        "a refused e-mail is not sent": mail.accepted("lost") is None,
        "a bounce ends them": ended.get("reason") == "bounced",
    }
    failed = [name for name, is_so in seen.items() if not is_so]
    print(f"e-mails over SES: {len(seen) - len(failed)} of {len(seen)} checks" + "".join(f"\n  failed: {it}" for it in failed))
    if failed:
        print(json.dumps({"refused": refused, "tested": tested, "sent": sent, "ended": ended}, indent=1), flush=True)
    return not failed


def authorise_on_everything(aws):
    """The emulator authorises SendEmail on `*` instead of the identity and the configuration set that the roles name."""
    iam = aws.client("iam")
    for role in ("AccountsRole", "NotifyRole"):
        name = aws.physical_id(role)
        policy = iam.get_role_policy(RoleName=name, PolicyName="needs")["PolicyDocument"]
        [statement] = [it for it in policy["Statement"] if "ses:SendEmail" in it["Action"]]
        statement["Resource"] = "*"
        iam.put_role_policy(RoleName=name, PolicyName="needs", PolicyDocument=json.dumps(policy))


def until(look):
    """The first result that is one, else the last."""
    for _ in range(2 * WITHIN):
        if result := look():
            return result
        time.sleep(0.5)
    return look()
