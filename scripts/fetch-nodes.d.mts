export const OTHER_NODES: readonly { readonly version: string; readonly sha512: string }[];
export function nodeProgram(version: string): string;
