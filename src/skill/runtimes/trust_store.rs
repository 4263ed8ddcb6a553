//! A trust store for the JVM: certificates in a PKCS#12 file (RFC 7292) that holds nothing secret, so it
//! is neither encrypted nor signed, and is read with any password or none.

use rustls::pki_types::CertificateDer;

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const OBJECT_ID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
/// `[0]`, explicit.
const CONTEXT: u8 = 0xa0;

/// pkcs7-data, 1.2.840.113549.1.7.1
const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
/// certBag, 1.2.840.113549.1.12.10.1.3
const CERT_BAG: &[u8] = &[
    0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01, 0x03,
];
/// x509Certificate, 1.2.840.113549.1.9.22.1
const X509: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x16, 0x01];
/// Oracle's trustedKeyUsage, 2.16.840.1.113894.746875.1.1: without it the JVM takes a certificate for
/// one of a chain, and does not trust it.
const TRUSTED: &[u8] = &[
    0x60, 0x86, 0x48, 0x01, 0x86, 0xf9, 0x66, 0xad, 0xca, 0x7b, 0x01, 0x01,
];
/// anyExtendedKeyUsage, 2.5.29.37.0
const ANY_USAGE: &[u8] = &[0x55, 0x1d, 0x25, 0x00];

/// The bytes of a trust store with these certificates.
pub(super) fn trust_store(certificates: &[CertificateDer<'_>]) -> Vec<u8> {
    let bags: Vec<Vec<u8>> = certificates.iter().map(|der| bag(der)).collect();
    let bags: Vec<&[u8]> = bags.iter().map(Vec::as_slice).collect();
    let contents = der(SEQUENCE, &[&data(&der(SEQUENCE, &bags))]);
    der(SEQUENCE, &[&der(INTEGER, &[&[3]]), &data(&contents)])
}

/// `SafeBag` with a certificate.
fn bag(certificate: &[u8]) -> Vec<u8> {
    let value = der(
        SEQUENCE,
        &[
            &der(OBJECT_ID, &[X509]),
            &der(CONTEXT, &[&der(OCTET_STRING, &[certificate])]),
        ],
    );
    let usages = der(SET, &[&der(OBJECT_ID, &[ANY_USAGE])]);
    let trusted = der(SEQUENCE, &[&der(OBJECT_ID, &[TRUSTED]), &usages]);
    der(
        SEQUENCE,
        &[
            &der(OBJECT_ID, &[CERT_BAG]),
            &der(CONTEXT, &[&value]),
            &der(SET, &[&trusted]),
        ],
    )
}

/// `ContentInfo` with plain data.
fn data(content: &[u8]) -> Vec<u8> {
    let content = der(OCTET_STRING, &[content]);
    der(
        SEQUENCE,
        &[&der(OBJECT_ID, &[DATA]), &der(CONTEXT, &[&content])],
    )
}

/// A value in DER: its tag, its length, and the parts of its content.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let bytes = length.to_be_bytes();
    let significant = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
    let mut value = vec![tag];
    match significant {
        [] => value.push(0),
        [short @ ..=0x7f] => value.push(*short),
        long => {
            value.push(0x80 | u8::try_from(long.len()).expect("at most 8 bytes"));
            value.extend_from_slice(long);
        }
    }
    value.extend(parts.iter().copied().flatten());
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_written_as_der_does() {
        assert_eq!(der(OCTET_STRING, &[]), [4, 0]);
        assert_eq!(der(OCTET_STRING, &[&[7; 0x7f]])[..2], [4, 0x7f]);
        assert_eq!(der(OCTET_STRING, &[&[7; 0x80]])[..3], [4, 0x81, 0x80]);
        let long = der(OCTET_STRING, &[&[7; 0x100], &[8; 0x23]]);
        assert_eq!(long[..4], [4, 0x82, 0x01, 0x23]);
        assert_eq!(long.len(), 4 + 0x123);
    }

    #[test]
    fn a_store_holds_each_certificate_marked_as_trusted() {
        let certificates = [
            CertificateDer::from(vec![0xaa; 300]),
            CertificateDer::from(vec![0xbb; 20]),
        ];
        let store = trust_store(&certificates);
        let count = |part: &[u8]| store.windows(part.len()).filter(|it| *it == part).count();
        assert_eq!(count(&[0xaa; 300]), 1);
        assert_eq!(count(&[0xbb; 20]), 1);
        assert_eq!(count(TRUSTED), 2);
        // The whole is one value of version 3 that ends where the file ends.
        assert_eq!(store[..2], [SEQUENCE, 0x82]);
        let length = usize::from(u16::from_be_bytes([store[2], store[3]]));
        assert_eq!(store.len(), 4 + length);
        assert_eq!(store[4..7], [INTEGER, 1, 3]);
    }
}
