"""`gongji token`: a bearer token of the development issuer."""

import sys

from api.commands.terminal import parser, settings_of
from api.http.tokens import NATION, REGION, days_from_now, issue, issuer_path, make_issuer
from service.caller import Role


def main(arguments: list[str]) -> int:
    """Print a token."""
    made = parser("token", "Print a bearer token for the running data directory.")
    made.add_argument("--role", required=True, choices=[role.value for role in Role])
    made.add_argument("--subject", metavar="ID", help="institution code or person number")
    made.add_argument("--region", metavar="CODE", help='an agency\'s region, or "*" for all')
    made.add_argument("--days", type=int, default=30)
    options = made.parse_args(arguments)
    role = Role(options.role)
    if options.subject is None and role in (Role.INSTITUTION, Role.PERSON):
        print(f"gongji: a token for {role} needs --subject", file=sys.stderr)
        return 2
    if role is Role.AGENCY and not (options.region and REGION.fullmatch(options.region)):
        print("gongji: a token for agency needs --region CODE, or --region '*'", file=sys.stderr)
        return 2
    path = issuer_path(settings_of(options).data)
    make_issuer(path)
    region = options.region if role is Role.AGENCY else None
    subject = options.subject or ("nation" if region == NATION else region) or role.value
    print(issue(path, role, subject, region, days_from_now(options.days)))
    return 0
