//! A miniature sweep: three short trainings of one experiment, which share their pictures.

/// `sweep`: cases `a`, `b` and `c` that differ in their learning rate.
pub const SWEEP: &str = r#"
[experiment.sweep]
scale = "tiny"
towers = "stand-in"
upkeep = { save_every = 0.2 }

[experiment.sweep.restore]
network = "restormer"
loss = { contrastive = 0.0, clip_aware = 0.0, perceptual = 0.0 }
training = { steps = 60, batch = 2, patch = 24 }

[[experiment.sweep.cases]]
name = "a"

[[experiment.sweep.cases]]
name = "b"
restore.training.learning_rate = 5e-4

[[experiment.sweep.cases]]
name = "c"
restore.training.learning_rate = 2e-4

[[experiment.sweep.train]]
dataset = "scenes"
count = 6
size = 40
degradations = [{ kind = "noise", sigma = 25 }]

[[experiment.sweep.test]]
dataset = "scenes"
count = 2
size = 40
degradations = [{ kind = "noise", sigma = 25 }]
"#;
