import { nativeCarrier } from '#carrier';
import { Kernels } from '../kernels.ts';

export interface Carried {
  /** Such as `native avx2`. */
  name: string;
  kernels: Kernels;
}

/** The kernels on every carrier and every instruction set that this machine has: `describe.each(await everyCarrier())`. */
export async function everyCarrier(): Promise<Carried[]> {
  const native = nativeCarrier();
  return native.isas().map((isa, index) => ({
    name: `native ${isa}`,
    kernels: new Kernels({
      ...native,
      call: (kernel, argumentsAt) => {
        native.selectIsa(index);
        return native.call(kernel, argumentsAt);
      },
    }),
  }));
}
