/** A tutorial as a page of the site: its first comment as text, its code, and what its quick form printed. */
export function tutorialPage(name: string, source: string, output: string): string {
  const [, comment, code] = /^\/\*\*\n(.*?)\n \*\/\n(.*)$/s.exec(source) ?? [];
  if (comment === undefined || code === undefined)
    throw new Error(`examples/${name}.ts must begin with a doc comment that says what it does`);
  return `${frontMatter(name)}
# ${name}

${comment.replace(/^ \* ?/gm, '')}

\`\`\`ts
${code.trim()}
\`\`\`

In its quick form (\`pnpm examples --quick ${name}\`) it prints:

\`\`\`text
${output.trim()}
\`\`\`
`;
}

/** The tutorial that is a page: what its README says, and the training. */
export const browserPage = (readme: string, training: string): string => `${frontMatter('04-in-the-browser')}
${readme.trim()}

The training:

\`\`\`ts
${training.trim()}
\`\`\`
`;

const frontMatter = (title: string): string => `---
title: ${title}
group: Examples
---
`;
