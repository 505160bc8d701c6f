// The panels of the dock, in order.

export const TABS = [
  { name: 'network', label: 'Network' },
  { name: 'chart', label: 'Chart' },
  { name: 'positions', label: 'Positions' },
  { name: 'orders', label: 'Orders' },
  { name: 'fills', label: 'Fills' },
  { name: 'rfq', label: 'RFQ' },
  { name: 'risk', label: 'Risk' },
  { name: 'volatility', label: 'Volatility' },
] as const;

export type Tab = (typeof TABS)[number]['name'];

/** The neighbouring panel; after the last comes the first. */
export function stepTab(tab: Tab, direction: -1 | 1): Tab {
  const at = TABS.findIndex((one) => one.name === tab);
  return TABS[(at + direction + TABS.length) % TABS.length]?.name ?? 'network';
}
