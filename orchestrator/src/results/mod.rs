//! The answers: from the evaluations of every picture to the table that a paper would print.
//!
//! [`read`] asks the database, [`table`] averages with polars (over pictures, then over seeds), [`beside`] adds the
//! paper's own numbers, [`format`] prints. A metric's protocol is part of its name (`psnr_rgb`), so numbers of different
//! protocols never share a column.

pub mod beside;
pub mod format;
pub mod read;
pub mod table;
