"""The demo of emergencies: one of the receivers has a modem, and its data link can be cut."""

import json

from alerts.alert_settings import set_sms_settings
from demo.demo import Demo
from demo.emulated_modem import EmulatedModem
from demo.sites import COMMUNE, SITES, DemoSite
from demo.sms_network import DataLink, SmsGatewayServer
from devices.receivers import change_receiver
from runtime.database import Database

#: The receiver with the modem, and its number.
SMS_SITE, PHONE = SITES[1], "+84912345678"
PRICE_VND = 350


class EmergencyDemo(Demo):
    """Real emergencies go by SMS without asking to the receiver that has a modem."""

    def _fill(self, database: Database) -> None:
        super()._fill(database)
        with database.writing() as session:
            change_receiver(session, SMS_SITE.receiver_id, alert_phone=PHONE)
            set_sms_settings(session, COMMUNE, after_s=10, is_automatic=True, price_vnd=PRICE_VND)

    def _prepare(self) -> dict[str, str]:
        self.modem = self._closing.enter_context(EmulatedModem())
        gateway = self._closing.enter_context(SmsGatewayServer({PHONE: self.modem}))
        self.data_link = self._closing.enter_context(DataLink(self.settings.broker_port))
        home = self.folder / "receivers" / SMS_SITE.receiver_id
        (home / "chain.toml").write_text(f'kind = "wired"\n[modem]\nport = "{self.modem.port}"\n')
        credentials = json.loads((home / "credentials.json").read_text())
        credentials["broker_url"] = f"mqtt://127.0.0.1:{self.data_link.port}"
        (home / "credentials.json").write_text(json.dumps(credentials))
        return super()._prepare() | gateway.settings

    def _receiver_arguments(self, site: DemoSite) -> list[str]:
        arguments = super()._receiver_arguments(site)
        if site is SMS_SITE:
            arguments += ["--chain", str(self.folder / "receivers" / site.receiver_id / "chain.toml")]
        return arguments
