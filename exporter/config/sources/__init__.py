"""Provider options: one file per provider, and the union that the config uses."""

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
