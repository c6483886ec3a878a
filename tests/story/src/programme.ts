// What the plans do. The kinds of activities of the plan for 2022-2025 are stated; everything else about them is invented.
import { amager, amagerbro, partnerskabet, type Plan } from './amager.js';

export interface Offer {
  readonly id: string;
  readonly title: string;
  readonly type: string;
  readonly focusArea: string;
  readonly ages: { readonly min?: number; readonly max?: number };
  readonly capacity?: number;
  // How many register, children or adults.
  readonly children?: number;
  readonly adults?: number;
  // Everybody may come; besides those who registered, so many are counted at each session.
  readonly walkIns?: number;
}

export interface Programme {
  readonly plan: Plan;
  readonly offers: readonly Offer[];
  // The first week of its sessions begins on this Monday.
  readonly firstMonday: string;
  readonly sessions: number;
  readonly volunteers: number;
  // Who helps with children.
  readonly cleared: number;
}

export function homeworkOf(programme: Programme): Offer {
  const offer = programme.offers.find(({ type }) => type === 'lektiehjaelp');
  if (!offer) throw new Error('no homework help');
  return offer;
}

const [learning, work, safety, community] = amager.focusAreas as [string, string, string, string];
const child = { min: 8, max: 14 };
const youth = { min: 9, max: 17 };
const adult = { min: 18 };

export const amagerProgramme: Programme = {
  plan: amager,
  firstMonday: '2022-02-07',
  sessions: 8,
  volunteers: 12,
  cleared: 4,
  offers: [
    { id: 'sprogundervisning-2022', title: 'Sprogundervisning', type: 'sprogundervisning', focusArea: work, ages: adult, capacity: 20, adults: 18 },
    { id: 'jobvejledning-2022', title: 'Jobvejledning', type: 'jobvejledning', focusArea: work, ages: adult, adults: 25 },
    { id: 'lektiehjaelp-2022', title: 'Lektiehjælp', type: 'lektiehjaelp', focusArea: learning, ages: child, capacity: 12, children: 15 },
    { id: 'godt-naboskab-2022', title: 'Godt naboskab', type: 'godt-naboskab', focusArea: community, ages: {}, adults: 20, walkIns: 35 },
    { id: 'fritidsliv-2022', title: 'Fritidsliv for børn og unge', type: 'fritidsaktivitet', focusArea: safety, ages: child, capacity: 30, children: 30 },
    { id: 'lommepengejob-2022', title: 'Lommepengejob', type: 'lommepengejob', focusArea: safety, ages: youth, capacity: 8, children: 8 },
    { id: 'fritidsjob-2022', title: 'Fritidsjob', type: 'fritidsjob', focusArea: learning, ages: youth, capacity: 10, children: 10 },
    { id: 'familieraadgivning-2022', title: 'Familierådgivning', type: 'familieraadgivning', focusArea: community, ages: adult, capacity: 6, adults: 6 },
    { id: 'foraeldrenetvaerk-2022', title: 'Forældrenetværk', type: 'foraeldrenetvaerk', focusArea: community, ages: adult, adults: 15 },
    { id: 'frivillige-2022', title: 'Kursus for frivillige', type: 'frivillig-kursus', focusArea: community, ages: adult, capacity: 16, adults: 12 },
  ],
};

const [, prevention, schooling, parenthood] = partnerskabet.focusAreas as [string, string, string, string];

export const partnerskabetProgramme: Programme = {
  plan: partnerskabet,
  firstMonday: '2021-09-06',
  sessions: 4,
  volunteers: 6,
  cleared: 2,
  offers: [
    { id: 'lektiehjaelp', title: 'Lektiehjælp', type: 'lektiehjaelp', focusArea: schooling, ages: child, capacity: 10, children: 8 },
    { id: 'lommepengejob', title: 'Lommepengejob', type: 'lommepengejob', focusArea: prevention, ages: youth, capacity: 6, children: 6 },
    { id: 'familieraadgivning', title: 'Familierådgivning', type: 'familieraadgivning', focusArea: parenthood, ages: adult, capacity: 4, adults: 4 },
  ],
};

export const amagerbroProgramme: Programme = {
  plan: amagerbro,
  firstMonday: '2021-09-06',
  sessions: 4,
  volunteers: 5,
  cleared: 2,
  offers: [
    { id: 'lektiehjaelp', title: 'Lektiehjælp', type: 'lektiehjaelp', focusArea: schooling, ages: child, capacity: 10, children: 6 },
    { id: 'sprogundervisning', title: 'Sprogundervisning', type: 'sprogundervisning', focusArea: schooling, ages: adult, capacity: 12, adults: 10 },
    { id: 'foraeldrenetvaerk', title: 'Forældrenetværk', type: 'foraeldrenetvaerk', focusArea: parenthood, ages: adult, adults: 8 },
  ],
};
