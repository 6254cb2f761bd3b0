import { type CifarResnetOptions, cifarResnet } from './cifar-resnet.ts';

// The depths that the catalogue has, by their names there.

export const cifar_resnet20 = cifarResnetOf(20);
export const cifar_resnet32 = cifarResnetOf(32);
export const cifar_resnet44 = cifarResnetOf(44);
export const cifar_resnet56 = cifarResnetOf(56);

function cifarResnetOf(depth: number) {
  return (options?: Omit<CifarResnetOptions, 'depth'>) => cifarResnet({ ...options, depth });
}
