// What only machine instructions can do: products on the tensor cores, and what feeds them. In the simulator, functions of the same names take their place.
//
// A tensor core multiplies a 16x16 matrix by a 16x8 one (TF32: 16x8 by 8x8) for a whole warp at once. The 32 threads hold the matrices in their
// registers, each a few numbers of each; which, is laid down in the PTX manual (section "Matrix fragments for mma.m16n8k16"). With g = lane / 4 and
// q = lane % 4 a thread has of the results rows g and g + 8, columns 2q and 2q + 1.
#pragma once

#ifndef MINICNN_SIMULATOR

#if __CUDA_ARCH__ >= 800
#define TENSOR_CORE(instruction)                                                                                        \
  asm volatile(instruction " {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"                                      \
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])                                                          \
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]))
#else
#define TENSOR_CORE(instruction) __trap()  // the launchers do not come here: older GPUs lack these formats
#endif

// d += a · b. Operands: 16-bit numbers two in a register, TF32 one.
__device__ __forceinline__ void mma_bf16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  TENSOR_CORE("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32");
}
__device__ __forceinline__ void mma_f16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  TENSOR_CORE("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32");
}
__device__ __forceinline__ void mma_tf32(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  TENSOR_CORE("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32");
}

// A float32 rounded to the 11 bits of TF32, to the nearest. (The tensor core itself cuts off what is too long, which makes every product too small.)
__device__ __forceinline__ unsigned round_tf32(unsigned v) {
#if __CUDA_ARCH__ >= 800
  asm("cvt.rna.tf32.f32 %0, %0;" : "+r"(v));
#endif
  return v;
}

// Four 8x8 matrices of 16-bit numbers (or 8x4 of 32-bit ones) from shared memory. Lane i says where row i % 8 of matrix i / 8 begins;
// lane 4 g + q gets the 4 bytes 4q of row g of each. The second form transposes matrices of 16-bit numbers on the way.
__device__ __forceinline__ void ldmatrix_x4(unsigned (&r)[4], const void* p) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"((unsigned)__cvta_generic_to_shared(p)) : "memory");
}
__device__ __forceinline__ void ldmatrix_x4_trans(unsigned (&r)[4], const void* p) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"((unsigned)__cvta_generic_to_shared(p)) : "memory");
}

// 16 bytes from global to shared memory, without a register and without waiting. Of them `valid` are read; the others become zero.
__device__ __forceinline__ void copy_async_16(void* shared, const void* global, int valid) {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"((unsigned)__cvta_generic_to_shared(shared)), "l"(global), "r"(valid) : "memory");
#endif
}
// The same through the L1 cache of the multiprocessor, for what will soon be read again.
__device__ __forceinline__ void copy_async_16_cached(void* shared, const void* global, int valid) {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.ca.shared.global [%0], [%1], 16, %2;" ::"r"((unsigned)__cvta_generic_to_shared(shared)), "l"(global), "r"(valid) : "memory");
#endif
}
// Copies since the last commit form a group; wait until at most N groups of this thread are on their way.
__device__ __forceinline__ void copy_async_commit() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}
template <int N>
__device__ __forceinline__ void copy_async_wait() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory");
#endif
}

#endif
