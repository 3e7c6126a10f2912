//! Pictures as PNG files.
#![allow(dead_code, reason = "no example uses all of it")]

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::ZlibEncoder;

/// How many pixels are between two pictures.
const GAP: usize = 2;

/// A picture of grey or coloured pixels, each from 0 to 1, row by row.
pub(crate) struct Picture {
    width: usize,
    /// 1 for grey, 3 for red, green and blue.
    channels: usize,
    values: Vec<f32>,
}

impl Picture {
    /// A picture of this width. The length of `values` gives its height.
    pub(crate) fn new(width: usize, channels: usize, values: Vec<f32>) -> Self {
        assert!(matches!(channels, 1 | 3), "a picture has 1 or 3 channels, not {channels}");
        assert_eq!(values.len() % (width * channels), 0, "the last row is not complete");
        Self { width, channels, values }
    }

    /// Grey images of `side × side` pixels, in rows of `columns` images.
    pub(crate) fn grid<'a>(
        side: usize,
        columns: usize,
        images: impl IntoIterator<Item = &'a [f32]>,
    ) -> Self {
        let images: Vec<&[f32]> = images.into_iter().collect();
        let width = side * columns;
        let mut values = vec![0.0; width * side * images.len().div_ceil(columns)];
        for (i, image) in images.into_iter().enumerate() {
            let corner = i / columns * side * width + i % columns * side;
            for (y, row) in image.chunks(side).enumerate() {
                values[corner + y * width..][..side].copy_from_slice(row);
            }
        }
        Self::new(width, 1, values)
    }

    /// Coloured pictures of `side × side` pixels side by side, with a white line between them.
    pub(crate) fn beside(side: usize, pictures: &[&[f32]]) -> Self {
        let gap = [1.0; 3 * GAP];
        let mut values = vec![];
        for y in 0..side {
            for (i, picture) in pictures.iter().enumerate() {
                values.extend_from_slice(if i == 0 { &[] } else { &gap });
                values.extend_from_slice(&picture[3 * side * y..][..3 * side]);
            }
        }
        Self::new(pictures.len() * (side + GAP) - GAP, 3, values)
    }

    /// Writes the picture, each pixel as a square of `zoom × zoom`.
    pub(crate) fn save(&self, path: &Path, zoom: usize) -> io::Result<()> {
        let row = self.width * self.channels;
        let height = self.values.len() / row;
        let mut rows = Vec::with_capacity((self.values.len() * zoom + height) * zoom);
        for y in 0..height * zoom {
            // Rows are stored as they are, without a filter.
            rows.push(0);
            for pixel in self.values[y / zoom * row..][..row].chunks(self.channels) {
                let pixel = pixel.iter().map(|value| (255.0 * value.clamp(0.0, 1.0)).round() as u8);
                (0..zoom).for_each(|_| rows.extend(pixel.clone()));
            }
        }
        fs::write(path, png([self.width * zoom, height * zoom], self.channels, &rows)?)?;
        println!("written: {}", path.display());
        Ok(())
    }
}

/// A PNG file of rows that begin with their filter (PNG specification, third edition, section 11.2).
fn png([width, height]: [usize; 2], channels: usize, rows: &[u8]) -> io::Result<Vec<u8>> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |kind: &[u8; 4], data: &[u8]| {
        let named = [kind, data].concat();
        file.extend((data.len() as u32).to_be_bytes());
        file.extend(&named);
        file.extend(crc32fast::hash(&named).to_be_bytes());
    };
    let size = [width as u32, height as u32].map(u32::to_be_bytes).concat();
    let colour = if channels == 1 { 0 } else { 2 };
    chunk(b"IHDR", &[&size[..], &[8, colour, 0, 0, 0]].concat());
    let mut packed = ZlibEncoder::new(vec![], Compression::default());
    packed.write_all(rows)?;
    chunk(b"IDAT", &packed.finish()?);
    chunk(b"IEND", &[]);
    Ok(file)
}
