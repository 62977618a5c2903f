//! The answers: from the evaluations of every picture to the table that a paper would print.
//!
//! [`read`] asks the database (which averages over pictures), [`table`] makes one polars frame of it with means over seeds,
//! [`settings`] adds what differs between the cases, [`beside`] and [`methods`] the paper's own numbers, [`filter`] keeps and
//! sorts rows. Programs get that frame; for people it becomes [`sheet`]s, [`tall`] or [`pivot`], which [`render`] prints. A
//! metric's protocol is part of its name (`psnr_rgb`), so numbers of different protocols never share a column.

pub mod beside;
pub mod caption;
pub mod columns;
pub mod deliver;
pub mod filter;
mod marks;
pub mod measurement;
pub mod methods;
pub mod missing;
pub mod mixed;
pub mod pivot;
mod printed;
pub mod read;
pub mod render;
pub mod settings;
pub mod sheet;
pub mod table;
pub mod tall;

#[cfg(test)]
mod desk;
