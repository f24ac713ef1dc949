//! A tenant's logo: whatever picture was given, drawn anew by us. What is kept and served is a small PNG without
//! anything that came along in the file.

use std::fmt;
use std::io::Cursor;

use image::codecs::png::{CompressionType, FilterType as PngFilter, PngEncoder};
use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder, ImageError, ImageReader, Limits};

/// Of an uploaded file, in bytes.
pub const MAX_FILE: usize = 1024 * 1024;
/// Of the picture in it, in pixels along each side. A few bytes can claim to be a picture of gigabytes.
const MAX_SIDE: u32 = 2_048;
const MAX_MEMORY: u64 = 64 * 1024 * 1024;

/// A page shows so many of its pixels for a hundred of the page's own, along each side: sharp on every screen if the
/// picture is a drawing, and less so if it would be too heavy.
const SHARPNESS: [u32; 6] = [300, 200, 150, 100, 75, 50];
/// Of what is served, in bytes: a whole page is below 30 KB.
const MAX_SERVED: usize = 16 * 1024;
/// The place for it on a page, in CSS pixels.
const SHOWN_WIDTH: u32 = 200;
const SHOWN_HEIGHT: u32 = 40;

/// A picture that is safe to serve.
#[derive(Clone)]
pub struct Logo {
    pub png: Vec<u8>,
    pub width: u32,
    pub height: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLogo {
    #[error("choose a picture")]
    Empty,
    #[error("the file is larger than 1 MB; save the picture smaller")]
    TooLarge,
    #[error("the picture has more than {MAX_SIDE} pixels along a side; save it smaller")]
    TooManyPixels,
    #[error("a logo is a PNG, JPEG or WebP picture; this file is none, or damaged")]
    Unreadable,
}

impl Logo {
    pub fn parse(file: &[u8]) -> Result<Self, InvalidLogo> {
        match file.len() {
            0 => return Err(InvalidLogo::Empty),
            1..=MAX_FILE => {}
            _ => return Err(InvalidLogo::TooLarge),
        }
        let picture = decode(file).map_err(|error| match error {
            ImageError::Limits(_) => InvalidLogo::TooManyPixels,
            _ => InvalidLogo::Unreadable,
        })?;
        let picture = DynamicImage::from(picture.into_rgba8());
        let [sharpest, less @ ..] = SHARPNESS;
        let mut logo = Self::drawn(&picture, sharpest)?;
        for sharpness in less {
            if logo.png.len() <= MAX_SERVED {
                break;
            }
            logo = Self::drawn(&picture, sharpness)?;
        }
        Ok(logo)
    }

    fn drawn(picture: &DynamicImage, sharpness: u32) -> Result<Self, InvalidLogo> {
        let picture = fitted(picture, sharpness);
        let mut png = Vec::new();
        let encoder =
            PngEncoder::new_with_quality(&mut png, CompressionType::Best, PngFilter::Adaptive);
        picture.write_with_encoder(encoder).map_err(|_| InvalidLogo::Unreadable)?;
        Ok(Self { png, width: picture.width(), height: picture.height() })
    }
}

fn decode(file: &[u8]) -> Result<DynamicImage, ImageError> {
    let mut reader = ImageReader::new(Cursor::new(file)).with_guessed_format()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let orientation = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

/// Scaled down to its place; a small picture stays as it is.
fn fitted(picture: &DynamicImage, sharpness: u32) -> DynamicImage {
    let (width, height) = (SHOWN_WIDTH * sharpness / 100, SHOWN_HEIGHT * sharpness / 100);
    match picture.width() > width || picture.height() > height {
        true => picture.resize(width, height, FilterType::Lanczos3),
        false => picture.clone(),
    }
}

impl fmt::Debug for Logo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Logo({}×{}, {} bytes)", self.width, self.height, self.png.len())
    }
}

/// Which logo a tenant has, without the picture: `{width}x{height}-{fingerprint}`. It changes with the picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoVersion {
    width: u32,
    height: u32,
    fingerprint: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the version of a logo")]
pub struct InvalidLogoVersion;

impl LogoVersion {
    pub fn new(logo: &Logo, fingerprint: String) -> Self {
        Self { width: logo.width, height: logo.height, fingerprint }
    }

    pub fn parse(text: &str) -> Result<Self, InvalidLogoVersion> {
        let (size, fingerprint) = text.split_once('-').ok_or(InvalidLogoVersion)?;
        let (width, height) = size.split_once('x').ok_or(InvalidLogoVersion)?;
        let side = |text: &str| text.parse().map_err(|_| InvalidLogoVersion);
        Ok(Self { width: side(width)?, height: side(height)?, fingerprint: fingerprint.to_owned() })
    }

    /// Width and height on a page, in CSS pixels.
    pub fn shown(&self) -> (u32, u32) {
        let (width, height) = (self.width.max(1), self.height.max(1));
        let by_height = (width * SHOWN_HEIGHT / height, SHOWN_HEIGHT);
        let (width, height) = match by_height.0 > SHOWN_WIDTH {
            true => (SHOWN_WIDTH, height * SHOWN_WIDTH / width),
            false => by_height,
        };
        (width.max(1), height.max(1))
    }
}

impl fmt::Display for LogoVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}-{}", self.width, self.height, self.fingerprint)
    }
}

#[cfg(test)]
mod tests {
    use image::ImageFormat;

    use super::*;

    fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        DynamicImage::new_rgb8(width, height).write_to(&mut file, format).unwrap();
        file.into_inner()
    }

    /// Nothing compresses it, as a photograph hardly does.
    #[test]
    fn a_heavy_picture_is_drawn_smaller_until_it_is_light() {
        let mut seed = 1_u32;
        let noise = image::RgbaImage::from_fn(400, 100, |_, _| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            image::Rgba(seed.to_be_bytes())
        });
        let mut file = Cursor::new(Vec::new());
        noise.write_to(&mut file, ImageFormat::Png).unwrap();
        let logo = Logo::parse(&file.into_inner()).unwrap();
        assert!(logo.png.len() <= MAX_SERVED, "{logo:?}");
        assert_eq!(LogoVersion::new(&logo, String::new()).shown(), (160, 40), "its place stays");
    }

    #[test]
    fn a_picture_of_each_kind_is_drawn_anew_and_fits_its_place() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
            let logo = Logo::parse(&picture(1_200, 300, format)).unwrap();
            assert_eq!((logo.width, logo.height), (480, 120), "{format:?}");
            assert!(logo.png.starts_with(b"\x89PNG"), "{format:?}");
        }
        let wide = Logo::parse(&picture(2_000, 100, ImageFormat::Png)).unwrap();
        assert_eq!((wide.width, wide.height), (600, 30));
        let small = Logo::parse(&picture(64, 64, ImageFormat::Png)).unwrap();
        assert_eq!((small.width, small.height), (64, 64));
    }

    #[test]
    fn nothing_that_came_along_in_the_file_is_kept() {
        let mut file = picture(8, 8, ImageFormat::Png);
        file.extend_from_slice(b"<script>alert(1)</script>");
        let logo = Logo::parse(&file).unwrap();
        assert!(!String::from_utf8_lossy(&logo.png).contains("script"));
    }

    #[test]
    fn what_is_no_picture_is_refused_and_so_is_a_bomb() {
        let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>";
        let cut = &picture(200, 200, ImageFormat::Jpeg)[..200];
        for file in [&svg[..], b"GIF89a", b"\x89PNG\r\n\x1a\n", b"hello", cut] {
            assert_eq!(Logo::parse(file).unwrap_err(), InvalidLogo::Unreadable);
        }
        assert_eq!(Logo::parse(b"").unwrap_err(), InvalidLogo::Empty);
        assert_eq!(Logo::parse(&vec![0; MAX_FILE + 1]).unwrap_err(), InvalidLogo::TooLarge);
        let mut bomb = picture(1, 1, ImageFormat::Png);
        bomb[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
        let crc = png_crc(&bomb[12..29]);
        bomb[29..33].copy_from_slice(&crc.to_be_bytes());
        assert_eq!(Logo::parse(&bomb).unwrap_err(), InvalidLogo::TooManyPixels);
        let long = picture(MAX_SIDE + 1, 1, ImageFormat::Png);
        assert_eq!(Logo::parse(&long).unwrap_err(), InvalidLogo::TooManyPixels);
    }

    /// PNG, annex D: the checksum of a chunk.
    fn png_crc(chunk: &[u8]) -> u32 {
        !chunk.iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
                if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 }
            })
        })
    }

    #[test]
    fn its_version_says_how_large_it_is_shown() {
        for (text, shown) in [
            ("120x120-a", (40, 40)),
            ("480x120-b-c_d", (160, 40)),
            ("600x30-e", (200, 10)),
            ("16x16-f", (40, 40)),
            ("1x600-g", (1, 40)),
        ] {
            let version = LogoVersion::parse(text).unwrap();
            assert_eq!((version.to_string().as_str(), version.shown()), (text, shown));
        }
        for bad in ["", "1x1", "x-a", "1x-a", "-1x1-a", "axb-c"] {
            assert_eq!(LogoVersion::parse(bad), Err(InvalidLogoVersion), "{bad}");
        }
    }
}
