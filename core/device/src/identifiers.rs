//! What a device says it is, in numbers: System ID (0x2A23), PnP ID (0x2A50) and the Regulatory Certification Data List
//! (0x2A2A) of the Device Information Service. The texts are in [`information`](crate::information).

use crate::bytes::{Cursor, DecodeError};

/// System ID: an EUI-64, the eight bytes as sent, its maker's part first and the organisation last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SystemId(pub [u8; 8]);

impl SystemId {
    /// Reads the eight bytes.
    ///
    /// # Errors
    /// [`DecodeError`] when there are not eight.
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        crate::information::system_id(frame).map(Self)
    }

    /// The eight bytes.
    #[must_use]
    pub const fn encode(self) -> [u8; 8] {
        self.0
    }

    /// As FHIR and labels write it: the organisation first, 16 upper-case hex digits.
    #[must_use]
    pub fn eui64(self) -> String {
        format!("{:016X}", u64::from_le_bytes(self.0))
    }

    /// Whether it tells one device from another; makers who have not set it send 00 or FF throughout.
    #[must_use]
    pub fn is_set(self) -> bool {
        ![[0; 8], [0xff; 8]].contains(&self.0)
    }
}

/// PnP ID: who made a device, and which model and version it is, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PnpId {
    /// Who numbered the maker: 1 Bluetooth SIG, 2 USB Implementers Forum.
    pub vendor_source: u8,
    /// The maker.
    pub vendor_id: u16,
    /// The model, by the maker's own count.
    pub product_id: u16,
    /// The version, two decimal digits of a major and one each of a minor and sub-minor version: 0x0213 is 2.1.3.
    pub product_version: u16,
}

impl PnpId {
    /// Reads the seven bytes.
    ///
    /// # Errors
    /// [`DecodeError`] when there are not seven.
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(frame);
        let read = Self {
            vendor_source: cursor.u8("vendor source")?,
            vendor_id: cursor.u16("vendor")?,
            product_id: cursor.u16("product")?,
            product_version: cursor.u16("version")?,
        };
        cursor.end()?;
        Ok(read)
    }

    /// The seven bytes.
    #[must_use]
    pub fn encode(self) -> [u8; 7] {
        let [vendor, product, version] =
            [self.vendor_id, self.product_id, self.product_version].map(u16::to_le_bytes);
        [
            self.vendor_source,
            vendor[0],
            vendor[1],
            product[0],
            product[1],
            version[0],
            version[1],
        ]
    }
}

/// One certificate or registration of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certification {
    /// Who certified: 2 Continua, 254 an experiment (IEEE 11073-20601, `AuthBody`).
    pub body: u8,
    /// The form of the data, by that body's own count: of Continua 1 the certified classes, 2 whether it is regulated.
    pub form: u8,
    /// The data, as sent.
    pub data: Vec<u8>,
}

/// Regulatory Certification Data List, IEEE 11073-20601: the one characteristic here that is big-endian (MDER).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificationList(pub Vec<Certification>);

impl CertificationList {
    /// Reads a list: its count, its length in bytes, and its entries. Many devices send a filler that is none.
    ///
    /// # Errors
    /// [`DecodeError`] when it ends early, goes on behind its last entry, or count and length do not agree.
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(frame);
        let count = big(&mut cursor, "count")?;
        let length = big(&mut cursor, "length")?;
        let body = cursor.bytes(usize::from(length), "list")?;
        cursor.end()?;
        let mut cursor = Cursor::new(body);
        let mut list = Vec::new();
        while cursor.left() > 0 {
            list.push(Certification {
                body: cursor.u8("certifying body")?,
                form: cursor.u8("form of the certificate")?,
                data: {
                    let length = big(&mut cursor, "length of the certificate")?;
                    cursor.bytes(usize::from(length), "certificate")?.to_vec()
                },
            });
        }
        if list.len() == usize::from(count) {
            Ok(Self(list))
        } else {
            Err(DecodeError::BadValue { field: "count" })
        }
    }

    /// Writes a list; `None` when it is longer than its length can say.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        let mut body = Vec::new();
        for entry in &self.0 {
            body.extend([entry.body, entry.form]);
            body.extend(u16::try_from(entry.data.len()).ok()?.to_be_bytes());
            body.extend(&entry.data);
        }
        let mut frame = u16::try_from(self.0.len()).ok()?.to_be_bytes().to_vec();
        frame.extend(u16::try_from(body.len()).ok()?.to_be_bytes());
        frame.extend(body);
        Some(frame)
    }
}

fn big(cursor: &mut Cursor<'_>, field: &'static str) -> Result<u16, DecodeError> {
    cursor.take(field).map(u16::from_be_bytes)
}
