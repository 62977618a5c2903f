//! The paper's own numbers: every table of Perceive-IR, as printed, and what Fig. 8 tells in words.
//!
//! They stand beside what is measured here, always labelled as the paper's. PSNR and SSIM are on RGB; the paper does not
//! say which SSIM window it uses, so its metrics have names of their own (`psnr`, not `psnr_rgb`). The tables are data
//! (`table2.csv` …), one line a number, typed from the paper's text.

mod nearest;
mod table;

pub use nearest::nearest;
pub use table::{AVERAGE, Cell, Table, counterpart};

/// The case under which the paper's own network stands in Tables II, III, IV, XI and XII.
pub const PERCEIVE_IR: &str = "perceive-ir";

/// Every table, in the paper's order.
pub static TABLES: [Table; 13] = [
    Table {
        experiment: "table2",
        name: "Table II",
        title: "all-in-one, N+H+R",
        note: "",
        text: include_str!("table2.csv"),
    },
    Table {
        experiment: "table3",
        name: "Table III",
        title: "all-in-one, N+H+R+B+L",
        note: "",
        text: include_str!("table3.csv"),
    },
    Table {
        experiment: "table4",
        name: "Table IV",
        title: "one-by-one, denoising",
        note: "",
        text: include_str!("table4.csv"),
    },
    Table {
        experiment: "table5",
        name: "Table V",
        title: "one-by-one, the other four",
        note: "Perceive-IR's deblurring and low-light are those of Table IX, and some rows of these two are missing",
        text: include_str!("table5.csv"),
    },
    Table {
        experiment: "table6",
        name: "Table VI",
        title: "components",
        note: "",
        text: include_str!("table6.csv"),
    },
    Table {
        experiment: "table7",
        name: "Table VII",
        title: "losses",
        note: "",
        text: include_str!("table7.csv"),
    },
    Table {
        experiment: "fig8",
        name: "Fig. 8",
        title: "loss weights",
        note: "the figure is a plot without numbers; its best point is the model of Table VII (h)",
        text: include_str!("fig8.csv"),
    },
    Table {
        experiment: "table8",
        name: "Table VIII",
        title: "prompts",
        note: "",
        text: include_str!("table8.csv"),
    },
    Table {
        experiment: "table9",
        name: "Table IX",
        title: "combinations of degradations",
        note: "",
        text: include_str!("table9.csv"),
    },
    Table {
        experiment: "table10",
        name: "Table X",
        title: "medium models",
        note: "",
        text: include_str!("table10.csv"),
    },
    Table {
        experiment: "table11",
        name: "Table XI",
        title: "unseen noise",
        note: "",
        text: include_str!("table11.csv"),
    },
    Table {
        experiment: "table12",
        name: "Table XII",
        title: "unseen underwater pictures",
        note: "",
        text: include_str!("table12.csv"),
    },
    Table {
        experiment: "table13",
        name: "Table XIII",
        title: "backbones",
        note: "averages alone are printed",
        text: include_str!("table13.csv"),
    },
];

/// The table that `experiment` repeats, such as `table7`.
pub fn find(experiment: &str) -> Option<&'static Table> {
    TABLES.iter().find(|table| table.experiment == experiment)
}

#[cfg(test)]
mod checks;
