// Made-up people in every household: one or two adults, in some a child, who read different languages; a few are protected. None has a CPR
// number.
import { LegalBasis } from '../contract/helhed/residents/v1/purpose_pb.js';
import { ConsentForm } from '../contract/helhed/residents/v1/consent_pb.js';
import { ConsentService } from '../contract/helhed/residents/v1/consent_service_pb.js';
import { PeopleService } from '../contract/helhed/residents/v1/people_service_pb.js';
import { GuardianshipKind, MembershipKind } from '../contract/helhed/residents/v1/resident_pb.js';
import { householdName, ofOrganisation, operator, organisationName, type Department } from '../amager.js';
import { each, type Gateway } from '../gateway.js';
import { addDays, date, range, today, type Day } from '../values.js';
import { homes, movedIn, type Home } from './housing.js';

export interface Someone {
  // `residents/{resident}`
  readonly name: string;
  readonly department: Department;
  readonly child: boolean;
  readonly isProtected: boolean;
}
// Everybody of a household, adults first.
export type Household = readonly Someone[];

const purpose = 'purposes/beboerregister';
export const activityPurpose = 'purposes/activities';
const givenNames = ['Amina', 'Bo', 'Camilla', 'Dino', 'Emre', 'Fatima', 'Grethe', 'Hassan', 'Ida', 'Jonas', 'Khadija', 'Lars', 'Mariam'];
const familyNames = ['Prøvesen', 'Eksempel', 'Opdigtet', 'Paahit', 'Digt', 'Skitse', 'Udkast'];
const languages = [['da'], ['da', 'en'], ['da'], ['so', 'da'], ['ar'], ['da'], ['tr', 'da'], ['ur', 'en']];
const protectedEvery = 500;
const atOnce = 48;

export async function configurePurposes(gateway: Gateway): Promise<void> {
  const consents = gateway.as(operator).at(ConsentService);
  await consents.createPurpose({
    purposeId: 'beboerregister',
    purpose: {
      displayName: 'Beboerregister', legalBasis: LegalBasis.PUBLIC_TASK, period: range('2010-01-01'),
      fields: 'given_name,family_name,birth_date,languages,address_protection',
    },
  });
  await consents.createPurpose({
    purposeId: 'activities',
    purpose: {
      displayName: 'Deltagelse i aktiviteter', legalBasis: LegalBasis.CONSENT, period: range('2010-01-01'), fields: 'given_name' },
  });
  await consents.createPurposeRule({
    parent: activityPurpose, startDate: date('2018-01-01'), rule: { ownConsentAgeYears: 15, writtenConsentRequired: true } });
  await consents.createConsentText({
    parent: activityPurpose, consentTextId: '1',
    consentText: { version: 1, language: 'da', body: 'Jeg vil gerne være med, og helhedsplanen må notere, at jeg er det.' },
  });
}

function birthDay({ number }: Home, child: boolean): Day {
  const day = `${String((number % 12) + 1).padStart(2, '0')}-${String((number % 28) + 1).padStart(2, '0')}`;
  return child ? `${2013 + (number % 4)}-${day}` : `${1945 + (number % 50)}-${day}`;
}

async function enterPerson(gateway: Gateway, home: Home, position: number, child: boolean): Promise<Someone> {
  const { department, number } = home;
  const people = gateway.as(ofOrganisation(department.organisation)).at(PeopleService);
  const controller = organisationName(department.organisation);
  const born = birthDay(home, child);
  const { name } = await people.createResident({
    purpose,
    resident: {
      givenName: givenNames[(number * 3 + position) % givenNames.length] ?? '',
      familyName: familyNames[number % familyNames.length] ?? '',
      birthDate: date(born),
      languages: languages[number % languages.length] ?? ['da'],
      responsibility: { controller },
    },
    membership: {
      household: householdName(department, home.index), kind: MembershipKind.REGISTERED, period: range(child ? born : movedIn) },
  });
  const isProtected = position === 0 && number % protectedEvery === 0;
  if (isProtected) {
    await people.protectResident({ name, purpose, period: range(today(), addDays(today(), 365)) });
  }
  return { name, department, child, isProtected };
}

export async function enterPeople(gateway: Gateway): Promise<Household[]> {
  return each(homes(), async home => {
    const household = [await enterPerson(gateway, home, 0, false)];
    if (home.number % 2 === 1) household.push(await enterPerson(gateway, home, 1, false));
    if (home.number % 8 === 3) household.push(await enterPerson(gateway, home, 2, true));
    return household;
  }, atOnce);
}

// Who agreed to being noted at activities. Nobody is asked twice.
export class Consents {
  private readonly asked = new Map<string, Promise<void>>();

  constructor(private readonly gateway: Gateway) {}

  // The person agrees, or for a child its guardian does.
  ask(person: Someone, guardian?: Someone): Promise<void> {
    let asked = this.asked.get(person.name);
    if (!asked) {
      asked = this.agree(person, guardian);
      this.asked.set(person.name, asked);
    }
    return asked;
  }

  private async agree(person: Someone, guardian?: Someone): Promise<void> {
    const caller = this.gateway.as(ofOrganisation(person.department.organisation));
    if (guardian) {
      await caller.at(PeopleService).createGuardianship({
        parent: person.name, purpose,
        guardianship: { guardian: guardian.name, kind: GuardianshipKind.PARENT, period: range('2017-01-01') },
      });
    }
    const consents = caller.at(ConsentService);
    const { name } = await consents.createConsent({
      parent: person.name, consent: { purpose: activityPurpose, consentText: `${activityPurpose}/consentTexts/1` } });
    await consents.giveConsent({ name, form: ConsentForm.WRITTEN, ...(guardian ? { giver: guardian.name } : {}) });
  }
}
