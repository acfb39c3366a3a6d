import type { Phase, Scenario } from './scenario.ts';

const arrivals = { kind: 'closed', inFlight: 256 } as const;
const fill = (orders: number): Phase => ({ name: 'filling', length: { orders }, arrivals, measured: false });
const measure = (name: string): Phase => ({ name, length: { seconds: 20 }, arrivals, measured: true });

export const scenario: Scenario = {
  about: 'CPU an order with ten thousand, a hundred thousand and a million orders in the journal: it must not rise.',
  form: { products: 1_000, linesPerOrder: 2 },
  phases: [
    fill(10_000),
    measure('at 10 thousand'),
    fill(60_000),
    measure('at 100 thousand'),
    fill(850_000),
    measure('at a million'),
  ],
};
