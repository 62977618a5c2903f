//! A tensor as a pickle describes it, and its numbers out of the storage that holds them.

use safetensors::Dtype;

use crate::weights::{checkpoint::Array, file::widen};

/// Where a tensor's numbers lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored<'a> {
    /// The storage's name.
    pub storage: &'a str,
    pub dtype: Dtype,
    /// In elements.
    pub offset: usize,
    pub shape: Vec<usize>,
    /// In elements, one a dimension.
    pub strides: Vec<usize>,
}

impl Stored<'_> {
    /// Bytes of the elements; `None` where nobody has so many, or the description contradicts itself.
    pub fn size(&self) -> Option<usize> {
        let count = self.shape.iter().try_fold(1_usize, |count, n| count.checked_mul(*n));
        let count = count.filter(|_| self.shape.len() == self.strides.len())?;
        count.checked_mul(width(self.dtype)?)
    }

    /// The elements out of their storage, which may hold them in another order or hold others besides.
    pub fn gather(&self, storage: &[u8]) -> Result<Array, String> {
        let short = || "its storage is too short".to_owned();
        let width = width(self.dtype).ok_or_else(|| format!("its numbers are a {}", self.dtype))?;
        // As many elements as the storage has, or fewer: what is larger would repeat some.
        let size = self.size().filter(|size| *size <= storage.len()).ok_or_else(short)?;
        let begin = self.offset.checked_mul(width).ok_or_else(short)?;
        let widened = if self.is_contiguous() {
            let bytes = begin.checked_add(size).and_then(|end| storage.get(begin..end));
            widen(self.dtype, bytes.ok_or_else(short)?)
        } else {
            widen(self.dtype, &self.rearranged(storage, width, size).ok_or_else(short)?)
        };
        let data = widened.ok_or_else(|| format!("its numbers are a {}", self.dtype))?;
        let shape = self.shape.clone();
        Ok(Array { shape, data })
    }

    fn is_contiguous(&self) -> bool {
        let mut next = 1_usize;
        self.shape.iter().zip(&self.strides).rev().all(|(size, stride)| {
            let fits = *size <= 1 || *stride == next;
            next = next.saturating_mul(*size);
            fits
        })
    }

    fn rearranged(&self, storage: &[u8], width: usize, size: usize) -> Option<Vec<u8>> {
        let mut bytes = Vec::with_capacity(size);
        for index in 0..size / width {
            let (mut rest, mut at) = (index, self.offset);
            for (size, stride) in self.shape.iter().zip(&self.strides).rev() {
                at = at.checked_add((rest % size).checked_mul(*stride)?)?;
                rest /= size;
            }
            let begin = at.checked_mul(width)?;
            bytes.extend(storage.get(begin..begin.checked_add(width)?)?);
        }
        Some(bytes)
    }
}

/// Bytes of a number.
pub fn width(dtype: Dtype) -> Option<usize> {
    Some(dtype.bitsize())
        .filter(|bits| bits.is_multiple_of(8))
        .map(|bits| bits / 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(offset: usize, shape: &[usize], strides: &[usize]) -> Stored<'static> {
        Stored {
            storage: "0",
            dtype: Dtype::F32,
            offset,
            shape: shape.to_vec(),
            strides: strides.to_vec(),
        }
    }

    fn numbers(count: u8) -> Vec<u8> {
        (0..count).flat_map(|n| f32::from(n).to_le_bytes()).collect()
    }

    #[test]
    fn elements_come_in_the_order_of_the_shape() {
        let of = |stored: Stored| stored.gather(&numbers(8)).unwrap().data;
        assert_eq!(of(stored(1, &[2, 3], &[3, 1])), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(of(stored(1, &[2, 3], &[1, 2])), [1.0, 3.0, 5.0, 2.0, 4.0, 6.0]);
        assert_eq!(of(stored(7, &[], &[])), [7.0]);
        assert_eq!(of(stored(0, &[4, 1], &[1, 1])), [0.0, 1.0, 2.0, 3.0]);
    }

    #[test]
    fn what_lies_outside_the_storage_is_an_error() {
        let max = usize::MAX;
        for wrong in [
            stored(3, &[2, 3], &[3, 1]),
            stored(max, &[1], &[1]),
            stored(0, &[max, 2], &[1, 1]),
            stored(0, &[9], &[0]),
            stored(0, &[2, 2], &[max, 1]),
            stored(0, &[2], &[]),
        ] {
            assert!(wrong.gather(&numbers(8)).is_err(), "{wrong:?}");
        }
    }
}
