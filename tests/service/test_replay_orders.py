"""Premiums, corrections, grants and refusals are decided again, and what was changed is found."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from aggregates.correction import Wrong
from aggregates.vocabulary import Bucket, InstitutionStatus
from service import corrections, institutions
from service.house import House
from service.ledger.postgres import PostgresStore
from service.premiums import reverse
from service.replay.differences import Unlike
from service.replay.run import replay
from tests.service.household import a_house, asked
