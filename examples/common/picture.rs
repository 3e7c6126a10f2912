//! Pictures as PNG files.
#![allow(dead_code, reason = "no example uses all of it")]

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;

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
        let mut bytes = Vec::with_capacity(self.values.len() * zoom * zoom);
        for y in 0..height * zoom {
            for pixel in self.values[y / zoom * row..][..row].chunks(self.channels) {
                let pixel = pixel.iter().map(|value| (255.0 * value.clamp(0.0, 1.0)).round() as u8);
                (0..zoom).for_each(|_| bytes.extend(pixel.clone()));
            }
        }
        let file = BufWriter::new(File::create(path)?);
        let mut encoder =
            png::Encoder::new(file, (self.width * zoom) as u32, (height * zoom) as u32);
        encoder.set_color(if self.channels == 1 {
            png::ColorType::Grayscale
        } else {
            png::ColorType::Rgb
        });
        encoder.write_header()?.write_image_data(&bytes)?;
        println!("written: {}", path.display());
        Ok(())
    }
}
