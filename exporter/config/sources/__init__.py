"""Options of sources: one module per provider, and the union of them that the config uses.

`base` has what all providers share. To add a provider, add its options here.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from exporter.config.sources.aircall import AircallOptions
from exporter.config.sources.asterisk import AsteriskOptions
from exporter.config.sources.csv import CsvOptions
from exporter.config.sources.hubspot import HubspotOptions
from exporter.config.sources.pipedrive import PipedriveOptions
from exporter.config.sources.push import PushOptions
from exporter.config.sources.rest import RestOptions
from exporter.config.sources.salesforce import SalesforceOptions
from exporter.config.sources.sql import SqlOptions
from exporter.config.sources.stripe import StripeOptions
from exporter.config.sources.twilio import TwilioOptions
from exporter.config.sources.zendesk import ZendeskOptions

AnySource = Annotated[
    AircallOptions
    | AsteriskOptions
    | CsvOptions
    | HubspotOptions
    | PipedriveOptions
    | PushOptions
    | RestOptions
    | SalesforceOptions
    | SqlOptions
    | StripeOptions
    | TwilioOptions
    | ZendeskOptions,
    Field(discriminator="provider"),
]
