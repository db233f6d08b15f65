"""Whether a stack's e-mails can be sent as its parameters say."""

from deployment import DeployError


def check(parameters):
    """Refuses a sender that the functions may not send from: they have permission for one identity of SES."""
    sender, identity = parameters.get("MailFrom", ""), parameters.get("MailIdentity", "")
    if sender and not belongs(sender, identity):
        raise DeployError(f"MailFrom={sender} does not belong to MailIdentity={identity}, so every e-mail would be refused: "
                          "MailIdentity is the address itself, its domain or a domain above that, as it is verified in SES.")


def belongs(address, identity):
    """Whether SES sends from an address with this verified identity. Permissions name domains in lower case, as SES does."""
    local, _, domain = address.rpartition("@")
    if "@" in identity:
        return address == identity
    return bool(local and domain) and f".{domain.lower()}".endswith(f".{identity}")
