import { library } from '../../tools/tsup';

// tfjs-core's gradients are ES modules without file endings: bundlers read them, Node does not, so its build carries them.
export default library({ browser: true, inline: [/^@tensorflow\/tfjs-core\/dist\//] });
