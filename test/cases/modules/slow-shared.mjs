console.log("shared begins");
await new Promise((resolve) => setTimeout(resolve, 30));
export const shared = "shared";
