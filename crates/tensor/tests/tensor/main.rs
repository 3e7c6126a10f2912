//! [`Tensor`](fanin_tensor::Tensor), in one program.

mod tensor;
