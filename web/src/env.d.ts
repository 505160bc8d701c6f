// Lets TypeScript accept what Vite, not the compiler, turns into files.
declare module '*.css';
