/**
 * Every decision that chance makes in a simulation, taken from one list of numbers: the same list, the same run. A
 * list that is cut short, or whose numbers are made smaller, is still a run, so fast-check can shrink a failure.
 */
export class Choices {
  readonly #numbers: readonly number[];
  #next = 0;

  constructor(numbers: readonly number[]) {
    this.#numbers = numbers;
  }

  get exhausted(): boolean {
    return this.#next >= this.#numbers.length;
  }

  /** An integer in 0..bound-1; 0 once the list has ended. */
  below(bound: number): number {
    const number = this.#numbers[this.#next] ?? 0;
    this.#next += 1;
    return number % bound;
  }

  of<Item>(items: readonly [Item, ...Item[]]): Item {
    return items[this.below(items.length)] ?? items[0];
  }

  percent(likelihood: number): boolean {
    return this.below(100) >= 100 - likelihood;
  }
}
