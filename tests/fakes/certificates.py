"""A private certificate authority, for servers that a client should trust or not."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_MAY_SIGN = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


class Authority:
    """Signs servers' certificates as strictly as Python 3.13 wants them; `ca_file` is what a client has to trust."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test Authority")])
        builder = _certificate(self._name, self._key, days=1)
        builder = (
            builder.issuer_name(self._name)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_MAY_SIGN, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
        )
        self.ca_file = folder / "ca.pem"
        self.ca_file.write_bytes(builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def server(self, address: str, days: int = 1) -> ssl.SSLContext:
        """The context of a server at an address, its certificate good for so many days from now."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.chain(address, days))
        return context

    def chain(self, address: str, days: int = 1) -> Path:
        """A file with a server's key and its certificate."""
        return self._chain(address, x509.IPAddress(ipaddress.ip_address(address)), days)

    def client(self, name: str) -> Path:
        """A file with a client's key and its certificate for a DNS name, or for the address that the name is."""
        try:
            return self._chain(name.replace(":", "-"), x509.IPAddress(ipaddress.ip_address(name)), 1)
        except ValueError:
            return self._chain(name, x509.DNSName(name), 1)

    def trusting(self, client: Path | None = None) -> ssl.SSLContext:
        """The context of a client that trusts this authority only, with a certificate of its own if given."""
        context = ssl.create_default_context(cafile=self.ca_file)
        if client is not None:
            context.load_cert_chain(client)
        return context

    def _chain(self, file_name: str, name: x509.GeneralName, days: int) -> Path:
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = _certificate(x509.Name([]), key, days).issuer_name(self._name).add_extension(issuer, critical=False)
        names = x509.SubjectAlternativeName([name])
        certificate = builder.add_extension(names, critical=True).sign(self._key, hashes.SHA256())
        chain = self._folder / f"{file_name}.pem"
        chain.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        return chain


def _certificate(name: x509.Name, key: ec.EllipticCurvePrivateKey, days: int) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + timedelta(days=days))
    )
