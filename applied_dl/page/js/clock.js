// A grid of moments (applied_dl/io/clock.py): the step of a stamp, and the stamp of a step. Stamps are seconds since 1970.

const SECONDS = {s: 1, min: 60, h: 3600, d: 86400, w: 604800}, MONTHS = {m: 1, q: 3, y: 12}, DAYLONG = 86400, WEEK = 604800;
const modulo = (a, b) => ((a % b) + b) % b;
const dayOf = (stamp) => Math.floor(stamp / DAYLONG);
const weekday = (day) => modulo(day + 3, 7);   // 0 is Monday
const monthOf = (stamp) => {   // months since 1970
  const date = new Date(dayOf(stamp) * DAYLONG * 1000);
  return (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth();
};
const firstOf = (month) => Date.UTC(1970 + Math.floor(month / 12), modulo(month, 12), 1) / 1000 / DAYLONG;

export const isKnownClock = (clock) => !clock.business;

export function clockOf(clock) {
  const {unit, every} = clock, origin = unit === 'step' ? Number(clock.origin || 0) : Date.parse(clock.origin.slice(0, 23) + 'Z') / 1000;
  const size = (SECONDS[unit] ?? 0) * every, slots = WEEK / size;
  const week = clock.open?.length ? openWeek() : null;

  function openWeek() {
    const monday = (dayOf(origin) - weekday(dayOf(origin))) * DAYLONG, slot = Math.floor((origin - monday) / size);
    return {base: origin - slot * size, first: clock.open.filter((one) => one < slot).length};
  }

  function slotOf(stamp) {
    const steps = (stamp - week.base) / size, near = Math.round(steps);
    return {week: Math.floor(near / slots), slot: modulo(near, slots), away: steps - near};
  }

  function place(stamp) {   // whole where the stamp is on the grid
    if (unit === 'step') return (stamp - origin) / every;
    if (week) {
      const found = slotOf(stamp), at = clock.open.filter((one) => one < found.slot).length, steps = found.week * clock.open.length + at - week.first;
      return clock.open.includes(found.slot) ? steps + found.away : steps - 0.5;
    }
    if (size) return (stamp - origin) / size;
    if (unit === 'b') {
      const steps = (workdays(dayOf(stamp)) - workdays(dayOf(origin))) / every;
      return weekday(dayOf(stamp)) < 5 ? steps : steps - 0.5;
    }
    return (monthOf(stamp) - monthOf(origin)) / (MONTHS[unit] * every);
  }

  function stamp(step) {
    if (unit === 'step') return origin + step * every;
    if (week) {
      const at = step + week.first, count = clock.open.length;
      return week.base + (Math.floor(at / count) * slots + clock.open[modulo(at, count)]) * size;
    }
    if (size) return origin + step * size;
    const time = origin - dayOf(origin) * DAYLONG;
    if (unit === 'b') return workday(step * every) * DAYLONG + time;
    const month = monthOf(origin) + step * every * MONTHS[unit];
    const day = clock.month_end ? 31 : clock.day || dayOf(origin) - firstOf(monthOf(origin)) + 1;
    return Math.min(firstOf(month) + day - 1, firstOf(month + 1) - 1) * DAYLONG + time;
  }

  const workdays = (day) => Math.floor((day + 3) / 7) * 5 + Math.min(weekday(day), 5);   // before this day
  function workday(steps) {   // the day so many working days after the origin's, which rolls forward
    let day = dayOf(origin);
    while (weekday(day) > 4) day++;
    const at = weekday(day) + steps;
    return day - weekday(day) + Math.floor(at / 5) * 7 + modulo(at, 5);
  }

  function text(step) {
    const value = stamp(step);
    if (unit === 'step') return String(value);
    const whole = !['s', 'min', 'h'].includes(unit) && value % DAYLONG === 0, iso = new Date(value * 1000).toISOString();
    return whole ? iso.slice(0, 10) : iso.slice(0, 19) + (clock.zone ? 'Z' : '');
  }
  const closed = (value) => Boolean(week) && !clock.open.includes(slotOf(value).slot);
  return {place, stamp, text, closed, unit};
}
