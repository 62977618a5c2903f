//! The answers: from the evaluations of every picture to the table that a paper would print.
//!
//! [`read`] asks the database, [`table`] averages with polars (over pictures, then over seeds), [`format`] prints.
//! A metric's protocol is part of its name (`psnr_rgb`), so numbers of different protocols never share a column.

pub mod format;
pub mod read;
pub mod table;
