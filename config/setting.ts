/**
 * Settings that stand outside of this folder, declared by those who use them. `loadConfig` reads and checks them with the
 * others; they travel as `SettingValues`, and `valueOf` takes one out again.
 */
export interface Setting<Value = unknown> {
  /** Of the environment variable. */
  readonly name: string;
  /** The text that counts where none is given. */
  readonly byDefault: string;
  /** Undefined for a text of another form. */
  readonly parse: (text: string) => Value | undefined;
  /** Completes "is not ...". */
  readonly form: string;
  /** Completes "; ", for the person who wrote another text. */
  readonly remedy: string;
}

/** By the settings' names; plain JSON. */
export type SettingValues = Readonly<Record<string, unknown>>;

export function valueOf<Value>({ name }: Setting<Value>, values: SettingValues): Value {
  return values[name] as Value;
}

export function wholeNumberSetting(
  name: string,
  { min, max, byDefault, what }: { min: number; max: number; byDefault: number; what: string },
): Setting<number> {
  return {
    name,
    byDefault: String(byDefault),
    parse: (text) => {
      const value = /^\d{1,12}$/.test(text) ? Number(text) : NaN;
      return value >= min && value <= max ? value : undefined;
    },
    form: `a whole number from ${min} to ${max}`,
    remedy: `set ${name} to ${what}, or leave it out for ${byDefault}`,
  };
}

/** Picks one of several by its name. */
export function choiceSetting(name: string, names: readonly string[], byDefault: string): Setting<string> {
  return {
    name,
    byDefault,
    parse: (text) => (names.includes(text) ? text : undefined),
    form: `one of ${names.join(', ')}`,
    remedy: `set ${name} to one of them, or leave it out for ${byDefault}`,
  };
}
