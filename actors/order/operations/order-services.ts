/** Owns what the operations on orders share beyond what every edge gives. */
import { oncePerEdge, type EdgeServices } from '../../../http/edge-services.ts';
import { KnownProducts } from './known-products.ts';

export interface OrderServices extends EdgeServices {
  readonly knownProducts: KnownProducts;
}

export const orderServices = oncePerEdge((services): OrderServices => {
  const { actors, timeouts } = services;
  return { ...services, knownProducts: new KnownProducts(actors, timeouts.readMs) };
});
