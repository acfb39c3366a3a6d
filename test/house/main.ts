/** The program with one kind more. */
import { composeActors } from '../../actors/compose-actors.ts';
import { ACTORS } from '../../actors/index.ts';
import { runProgram } from '../../program.ts';
import { giftCardActor } from './gift-card/index.ts';

runProgram(composeActors([...ACTORS, giftCardActor]));
