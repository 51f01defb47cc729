//! The losses and their gradients, against PyTorch and closed forms, up to logits whose sigmoid rounds to 0 or 1.

use candle_augment::Result;
use candle_augment::gan::Loss;
use candle_core::{Device, Tensor, Var};

const LOGITS: [f32; 9] = [-200.0, -30.0, -1.5, -1.0, 0.0, 0.5, 1.0, 30.0, 200.0];

/// log(1 + exp(x)) in f64.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Compares `loss` of one logit, and its derivative, with the closed form (value, derivative).
fn check(loss: impl Fn(&Tensor) -> Result<Tensor>, expected: impl Fn(f64) -> (f64, f64)) -> Result<()> {
    for logit in LOGITS {
        let x = Var::new(&[logit], &Device::Cpu)?;
        let y = loss(x.as_tensor())?;
        let value = f64::from(y.to_scalar::<f32>()?);
        let slope = f64::from(y.backward()?.get(&x).expect("x is a variable").to_vec1::<f32>()?[0]);
        let (expected_value, expected_slope) = expected(f64::from(logit));
        assert!((value - expected_value).abs() <= 1e-6 * expected_value.abs().max(1.0), "{value} at {logit}");
        assert!((slope - expected_slope).abs() <= 1e-6, "slope {slope} at {logit}, expected {expected_slope}");
    }
    Ok(())
}

/// A logit at which each discriminator loss of its side is a known constant.
fn constant(value: f32) -> Result<Tensor> {
    Ok(Tensor::new(&[value], &Device::Cpu)?)
}

#[test]
fn discriminator_by_cross_entropy() -> Result<()> {
    for loss in [Loss::Minimax, Loss::NonSaturating] {
        // −log σ(x) for real images, −log(1 − σ(x)) for generated ones; the other side costs log 2 at 0.
        let log2 = 2f64.ln();
        check(|x| loss.discriminator(x, &constant(0.0)?), |x| (softplus(-x) + log2, sigmoid(x) - 1.0))?;
        check(|x| loss.discriminator(&constant(0.0)?, x), |x| (softplus(x) + log2, sigmoid(x)))?;
    }
    Ok(())
}

#[test]
fn generator_of_the_original_objective() -> Result<()> {
    check(|x| Loss::Minimax.generator(x, x), |x| (-softplus(x), -sigmoid(x)))
}

#[test]
fn generator_that_does_not_saturate() -> Result<()> {
    check(|x| Loss::NonSaturating.generator(x, x), |x| (softplus(-x), sigmoid(x) - 1.0))
}

#[test]
fn hinge() -> Result<()> {
    let slope = |inside: bool| if inside { 1.0 } else { 0.0 };
    // At the kink itself either side's slope is right; candle takes the upper one.
    check(|x| Loss::Hinge.discriminator(x, &constant(-2.0)?), |x| ((1.0 - x).max(0.0), -slope(x <= 1.0)))?;
    check(|x| Loss::Hinge.discriminator(&constant(2.0)?, x), |x| ((1.0 + x).max(0.0), slope(x >= -1.0)))?;
    check(|x| Loss::Hinge.generator(x, x), |x| (-x, -1.0))
}

#[test]
fn losses_are_means_over_the_batch() -> Result<()> {
    let x = Tensor::new(&[-1.0f32, 0.0, 2.0], &Device::Cpu)?;
    let expected = (softplus(-1.0) + softplus(0.0) + softplus(2.0)) / 3.0;
    let found = f64::from(Loss::Minimax.generator(&x, &x)?.to_scalar::<f32>()?);
    assert!((found + expected).abs() < 1e-6);
    Ok(())
}

#[test]
fn names_come_back() -> Result<()> {
    for loss in Loss::ALL {
        assert_eq!(loss.to_string().parse::<Loss>()?, loss);
        assert_eq!(serde_json::to_string(&loss).unwrap(), format!("\"{loss}\""));
    }
    assert!(
        "wasserstein"
            .parse::<Loss>()
            .unwrap_err()
            .to_string()
            .contains("minimax, non-saturating, hinge, least-squares, relativistic")
    );
    Ok(())
}

/// The numbers of `fixtures/make_gan_references.py`.
#[test]
fn every_loss_is_that_of_pytorch() -> Result<()> {
    let references: serde_json::Value =
        serde_json::from_str(include_str!("../fixtures/gan-references.json")).expect("the script writes JSON");
    let numbers = |value: &serde_json::Value| -> Vec<f32> { serde_json::from_value(value.clone()).expect("numbers") };
    let real = Var::new(numbers(&references["real"]), &Device::Cpu)?;
    let fake = Var::new(numbers(&references["fake"]), &Device::Cpu)?;
    for loss in Loss::ALL {
        let discriminator = loss.discriminator(&real, &fake)?;
        let generator = loss.generator(&real, &fake)?;
        for (network, value) in [("discriminator", discriminator), ("generator", generator)] {
            let gradients = value.backward()?;
            let of = |var: &Var| match gradients.get(var) {
                Some(gradient) => gradient.to_vec1::<f32>(),
                None => Ok(vec![0.0; var.elem_count()]),
            };
            let found = [vec![value.to_scalar::<f32>()?], of(&real)?, of(&fake)?].concat();
            let expected = numbers(&references[network][loss.to_string()]);
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(expected) {
                let close = (found - expected).abs() <= 2e-6 * expected.abs().max(1.0);
                assert!(close, "{loss}, {network}: {found}, PyTorch {expected}");
            }
        }
    }
    Ok(())
}
