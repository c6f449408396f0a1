"""Plain facts that small models have met: capitals of countries and lands, words of eight categories, rooms and what is
in them.

The first entries of each list are worked examples and never asked.
"""

from __future__ import annotations


def _pairs(text: str) -> dict[str, str]:
    entries = (entry.split(":") for line in text.strip().splitlines() for entry in line.split(";") if entry.strip())
    return {key.strip(): value.strip() for key, value in entries}


CAPITAL_SHOTS = _pairs(
    """
    Indonesia: Jakarta; Kenya: Nairobi; Peru: Lima; Norway: Oslo; Thailand: Bangkok; Canada: Ottawa; Egypt: Cairo
    Greece: Athens
    """
)
CAPITALS = _pairs(
    """
    France: Paris; Germany: Berlin; Italy: Rome; Spain: Madrid; Portugal: Lisbon; Austria: Vienna; Belgium: Brussels
    Denmark: Copenhagen; Sweden: Stockholm; Finland: Helsinki; Iceland: Reykjavik; Ireland: Dublin; Poland: Warsaw
    Hungary: Budapest; Romania: Bucharest; Bulgaria: Sofia; Serbia: Belgrade; Croatia: Zagreb; Slovenia: Ljubljana
    Slovakia: Bratislava; Ukraine: Kyiv; Russia: Moscow; Estonia: Tallinn; Latvia: Riga; Lithuania: Vilnius
    Albania: Tirana; Malta: Valletta; Cyprus: Nicosia; Belarus: Minsk; Moldova: Chisinau; Turkey: Ankara
    Armenia: Yerevan; Azerbaijan: Baku; Georgia: Tbilisi; Iran: Tehran; Iraq: Baghdad; Syria: Damascus
    Lebanon: Beirut; Jordan: Amman; Qatar: Doha; Bahrain: Manama; Oman: Muscat; Yemen: Sanaa; Afghanistan: Kabul
    Pakistan: Islamabad; Bangladesh: Dhaka; Nepal: Kathmandu; Bhutan: Thimphu; Maldives: Male; China: Beijing
    Mongolia: Ulaanbaatar; Japan: Tokyo; Taiwan: Taipei; Vietnam: Hanoi; Cambodia: Phnom Penh; Laos: Vientiane
    Philippines: Manila; Australia: Canberra; New Zealand: Wellington; Fiji: Suva; Samoa: Apia; Cuba: Havana
    Jamaica: Kingston; Haiti: Port-au-Prince; Bahamas: Nassau; Barbados: Bridgetown; Belize: Belmopan
    Honduras: Tegucigalpa; Nicaragua: Managua; Costa Rica: San Jose; El Salvador: San Salvador; Colombia: Bogota
    Venezuela: Caracas; Guyana: Georgetown; Suriname: Paramaribo; Ecuador: Quito; Brazil: Brasilia; Chile: Santiago
    Argentina: Buenos Aires; Uruguay: Montevideo; Paraguay: Asuncion; Morocco: Rabat; Algeria: Algiers
    Tunisia: Tunis; Libya: Tripoli; Sudan: Khartoum; Ethiopia: Addis Ababa; Eritrea: Asmara; Somalia: Mogadishu
    Uganda: Kampala; Rwanda: Kigali; Zambia: Lusaka; Zimbabwe: Harare; Malawi: Lilongwe; Mozambique: Maputo
    Botswana: Gaborone; Namibia: Windhoek; Angola: Luanda; Madagascar: Antananarivo; Mauritius: Port Louis
    Ghana: Accra; Nigeria: Abuja; Senegal: Dakar; Mali: Bamako; Niger: Niamey; Chad: N'Djamena; Togo: Lome
    Liberia: Monrovia; Sierra Leone: Freetown; Guinea: Conakry; Gabon: Libreville; Cameroon: Yaounde
    Mauritania: Nouakchott; Burkina Faso: Ouagadougou; Switzerland: Bern; Netherlands: Amsterdam
    South Korea: Seoul; North Korea: Pyongyang; Malaysia: Kuala Lumpur; India: New Delhi; Myanmar: Naypyidaw
    Kazakhstan: Astana; Kyrgyzstan: Bishkek; Tajikistan: Dushanbe; Turkmenistan: Ashgabat; Uzbekistan: Tashkent
    Saudi Arabia: Riyadh; United Arab Emirates: Abu Dhabi; Brunei: Bandar Seri Begawan; East Timor: Dili
    Czech Republic: Prague; North Macedonia: Skopje; Montenegro: Podgorica; Kosovo: Pristina
    Bosnia and Herzegovina: Sarajevo; Andorra: Andorra la Vella; Liechtenstein: Vaduz; United Kingdom: London
    Scotland: Edinburgh; Wales: Cardiff; Northern Ireland: Belfast; Isle of Man: Douglas; Jersey: Saint Helier
    Guernsey: Saint Peter Port; Faroe Islands: Torshavn; Greenland: Nuuk; United States: Washington
    Mexico: Mexico City; Guatemala: Guatemala City; Panama: Panama City; Dominican Republic: Santo Domingo
    Trinidad and Tobago: Port of Spain; Grenada: Saint George's; Saint Lucia: Castries; Dominica: Roseau
    Antigua and Barbuda: Saint John's; Saint Kitts and Nevis: Basseterre; Puerto Rico: San Juan; Bermuda: Hamilton
    Saint Vincent and the Grenadines: Kingstown; Aruba: Oranjestad; Curacao: Willemstad; Anguilla: The Valley
    Cayman Islands: George Town; British Virgin Islands: Road Town; Turks and Caicos Islands: Cockburn Town
    Falkland Islands: Stanley; Tanzania: Dodoma; Burundi: Gitega; Democratic Republic of the Congo: Kinshasa
    Republic of the Congo: Brazzaville; Central African Republic: Bangui; Benin: Porto-Novo
    Ivory Coast: Yamoussoukro; Gambia: Banjul; Guinea-Bissau: Bissau; Cape Verde: Praia; Comoros: Moroni
    Sao Tome and Principe: Sao Tome; Seychelles: Victoria; South Sudan: Juba; Lesotho: Maseru; Eswatini: Mbabane
    Papua New Guinea: Port Moresby; Solomon Islands: Honiara; Vanuatu: Port Vila; Tonga: Nuku'alofa
    Tuvalu: Funafuti; Kiribati: Tarawa; Micronesia: Palikir; Marshall Islands: Majuro; Palau: Ngerulmud
    Nauru: Yaren; New Caledonia: Noumea; French Polynesia: Papeete; Guam: Hagatna; American Samoa: Pago Pago
    Cook Islands: Avarua; French Guiana: Cayenne; Martinique: Fort-de-France; Mayotte: Mamoudzou
    """
)
CATEGORY_SHOTS = {
    "screwdriver": "tool",
    "cow": "animal",
    "peach": "fruit",
    "purple": "color",
    "nose": "body",
    "sofa": "furniture",
    "bus": "vehicle",
    "scarf": "clothes",
}
CATEGORIES: dict[str, tuple[str, ...]] = {
    name: tuple(words.split())
    for name, words in {
        "tool": "hammer wrench saw drill pliers chisel axe shovel rake ladder crowbar file clamp hoe trowel spanner",
        "animal": "dog cat horse lion tiger rabbit elephant sheep monkey wolf goat bear zebra deer camel giraffe",
        "fruit": "apple banana grape pear mango cherry lemon melon plum kiwi papaya apricot strawberry pineapple lime",
        "color": "red blue green yellow black white brown gray pink violet beige scarlet crimson turquoise indigo",
        "body": "arm leg knee elbow finger toe ear eye mouth neck shoulder ankle wrist chin thumb hip",
        "furniture": "chair table desk bed shelf couch stool cabinet wardrobe dresser bench cupboard bookcase armchair",
        "vehicle": "car truck train bicycle motorcycle van tram taxi ship airplane helicopter tractor scooter boat",
        "clothes": "shirt hat coat dress skirt jacket sock glove shoe sweater trousers jeans belt tie boot vest",
    }.items()
}
# Asked about alone; `CATEGORIES` are also what the lists to count in are drawn from.
MORE_WORDS: dict[str, tuple[str, ...]] = {
    name: tuple(words.split())
    for name, words in {
        "tool": "mallet sickle scythe pickaxe sander tweezers anvil lathe ruler sledgehammer jigsaw",
        "animal": "fox cheetah leopard pig donkey squirrel kangaroo hippopotamus whale penguin eagle mouse",
        "fruit": "fig date raspberry blueberry blackberry grapefruit pomegranate guava nectarine coconut tangerine",
        "color": "maroon magenta cyan teal lavender mauve khaki ivory tan azure",
        "body": "foot hand head tongue stomach heel jaw cheek forehead thigh",
        "furniture": "ottoman recliner nightstand crib bunk loveseat sideboard footstool hammock settee",
        "vehicle": "lorry ambulance submarine canoe minivan limousine ferry rocket trolley yacht",
        "clothes": "blouse sandal pajamas hoodie cardigan mitten shorts sweatshirt tuxedo apron",
    }.items()
}
ROOM_SHOTS = {
    "classroom": "behind the school desks",
    "stable": "under the saddle of a horse",
    "bank": "in the safe with the money",
}
ROOMS: dict[str, tuple[str, ...]] = {
    "kitchen": ("inside the oven", "next to the frying pan", "in the fridge"),
    "bathroom": ("beside the toothbrush", "under the shower", "next to the soap and the towel"),
    "bedroom": ("under the pillow", "beneath the blanket of the bed", "on the mattress"),
    "garage": ("under the car", "next to the spare tire", "on the hood of the car"),
    "library": ("between the books", "on the shelf of old novels", "at the desk where books are borrowed"),
    "church": ("on the altar", "under the bells of the tower", "beside the priest's candles"),
    "garden": ("under the rose bush", "behind the flower bed", "next to the watering can"),
    "hospital": ("beside the nurse's desk", "under the stretcher", "in the doctor's coat"),
    "bakery": ("behind the loaves of bread", "in the bag of flour", "under the fresh cakes"),
    "theater": ("behind the stage curtain", "under the actors' costumes", "in the front row of seats"),
    "gym": ("under the weights", "next to the treadmill", "behind the boxing bag"),
    "pool": ("at the bottom of the water", "next to the diving board", "beside the swimming goggles"),
    "farm": ("in the hay of the barn", "behind the tractor", "next to the cows"),
    "office": ("next to the printer", "under the boss's papers", "behind the computer screen"),
    "museum": ("beneath the dinosaur bones", "behind an ancient statue", "under a famous painting"),
    "airport": ("next to the runway", "in a pilot's suitcase", "behind the check-in counter"),
}
