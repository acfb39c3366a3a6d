/** Where a node begins: the shop's kinds of actors, run by program.ts. */
import { SHOP } from './actors/index.ts';
import { runProgram } from './program.ts';

runProgram(SHOP);
