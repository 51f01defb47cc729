//! A penalty on the generator for samples of a class that are more alike than its real images (after D. Yang et al.,
//! "Diversity-Sensitive Conditional Generative Adversarial Networks", 2019, which bounds the distance by a constant).

use candle_core::Tensor;

use crate::error::Result;

/// λ max(0, 1 − d(fake) / d(real)), d the mean absolute difference of two images of a class. `real` and `fake` are
/// (N, H, W, C), at each place of the same one of `labels`. None where no class is there twice, or its real images are all
/// the same.
pub(super) fn diversity_penalty(lambda: f64, real: &Tensor, fake: &Tensor, labels: &[u32]) -> Result<Option<Tensor>> {
    let (first, second) = pairs(labels);
    if first.is_empty() {
        return Ok(None);
    }
    let count = first.len();
    let first = Tensor::from_vec(first, count, fake.device())?;
    let second = Tensor::from_vec(second, count, fake.device())?;
    let distance = |images: &Tensor| -> Result<Tensor> {
        let difference = (images.index_select(&first, 0)? - images.index_select(&second, 0)?)?;
        // Not `abs`, which has no derivative of 0 at 0 in candle.
        Ok((difference.relu()? + difference.neg()?.relu()?)?.mean_all()?)
    };
    let wanted = f64::from(distance(real)?.to_scalar::<f32>()?);
    if wanted <= 0.0 {
        return Ok(None);
    }
    Ok(Some((distance(fake)?.affine(-1.0 / wanted, 1.0)?.relu()? * lambda)?))
}

/// Each place with the next one of the same label.
fn pairs(labels: &[u32]) -> (Vec<u32>, Vec<u32>) {
    let next = |place: usize| {
        let label = labels[place];
        let after = labels[place + 1..].iter().position(|other| *other == label)?;
        Some((place as u32, (place + 1 + after) as u32))
    };
    (0..labels.len()).filter_map(next).unzip()
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;

    fn images(values: &[f32]) -> Result<Tensor> {
        Ok(Tensor::from_slice(values, (values.len(), 1, 1, 1), &Device::Cpu)?)
    }

    #[test]
    fn it_asks_for_the_distances_of_the_real_images_and_no_more() -> Result<()> {
        let labels = [0, 1, 0, 1, 2];
        assert_eq!(pairs(&labels), (vec![0, 1], vec![2, 3]));
        let real = images(&[0.0, 0.0, 1.0, 3.0, 9.0])?;
        let penalty = |fake: &Tensor| -> Result<f32> {
            Ok(diversity_penalty(2.0, &real, fake, &labels)?.expect("two classes are there twice").to_scalar()?)
        };
        assert_eq!(penalty(&real)?, 0.0);
        assert_eq!(penalty(&(&real * 2.0)?)?, 0.0);
        assert_eq!(penalty(&(&real * 0.25)?)?, 1.5);
        assert_eq!(penalty(&real.zeros_like()?)?, 2.0);
        Ok(())
    }

    #[test]
    fn it_drives_samples_of_a_class_apart() -> Result<()> {
        let fake = Var::from_tensor(&images(&[0.5, 0.2, 0.4, 7.0])?)?;
        let real = images(&[0.0, 0.0, 1.0, 3.0])?;
        let penalty = diversity_penalty(1.0, &real, &fake, &[0, 1, 0, 2])?.expect("a class is there twice");
        let gradients = penalty.backward()?;
        let gradient = gradients.get(&fake).expect("fake is a variable").flatten_all()?.to_vec1::<f32>()?;
        assert_eq!(gradient, [-1.0, 0.0, 1.0, 0.0]);
        Ok(())
    }

    #[test]
    fn nothing_is_asked_where_nothing_can_be_compared() -> Result<()> {
        let images = images(&[0.0, 1.0])?;
        assert!(diversity_penalty(1.0, &images, &images, &[0, 1])?.is_none());
        let alike = images.zeros_like()?;
        assert!(diversity_penalty(1.0, &alike, &images, &[1, 1])?.is_none());
        Ok(())
    }
}
