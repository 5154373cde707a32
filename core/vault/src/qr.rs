//! QR codes as SVG (ISO/IEC 18004), for invites and for paper.

use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};

/// The text is longer than a QR code can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too long for a QR code")]
pub struct QrTooLong;

/// An SVG picture with a quiet zone, black on white, at least 240 units wide.
///
/// # Errors
/// [`QrTooLong`].
pub fn qr_svg(text: &str) -> Result<String, QrTooLong> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).map_err(|_| QrTooLong)?;
    Ok(code
        .render::<svg::Color<'_>>()
        .min_dimensions(240, 240)
        .build())
}
